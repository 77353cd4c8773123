import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "#/shell/theme.css";
import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Door } from "#/account/door";
import { createQueryClient } from "#/api/queries";
import { startSession } from "#/api/session";
import { startTranslation } from "#/i18n";
import { router } from "#/router";
import { styleNonce } from "#/shell/nonce";
import { toastProblem } from "#/shell/problem";

import { theme, variables } from "#/shell/theme";

startTranslation();
void startSession();
const queryClient = createQueryClient(toastProblem);
// The same key is read by public/scheme.js before the first paint.
const colorSchemeManager = localStorageColorSchemeManager({ key: "lianpu.scheme" });
const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");

createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={variables}
      colorSchemeManager={colorSchemeManager}
      defaultColorScheme="auto"
      getStyleNonce={() => styleNonce}
    >
      <QueryClientProvider client={queryClient}>
        <Notifications position="bottom-right" limit={4} />
        <Door>
          <RouterProvider router={router} />
        </Door>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
