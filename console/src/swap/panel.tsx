import { Title } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "#/swap/swap.module.css";

interface PanelProps {
  title: string;
  /** Where it stands when everything is in one column. */
  order: number;
  children: ReactNode;
}

/** One step of a form, or what came of it. */
export function Panel({ title, order, children }: PanelProps) {
  return (
    <section className={`surface ${classes.panel}`} aria-label={title} style={{ order }}>
      <Title order={2} size="h5" mb="sm">
        {title}
      </Title>
      {children}
    </section>
  );
}
