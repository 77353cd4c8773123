/** An opera mask: the brows and cheeks are cut out of a cinnabar face. */
export function Logo({ size = 32 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path
        fill="var(--brand)"
        d="M16 1.5c7.2 0 11.3 4 11.3 10.6 0 8.6-4.8 16-11.3 18.4C9.5 28.1 4.7 20.7 4.7 12.1 4.7 5.5 8.8 1.5 16 1.5Z"
      />
      <g fill="var(--surface)">
        <path d="M16 4.2c.9 1.7 1.5 3.4 1.5 4.7 0 1-.6 1.7-1.5 1.7s-1.5-.7-1.5-1.7c0-1.3.6-3 1.5-4.7Z" />
        <path d="M6.8 11.3c1.2-2.3 4.6-2.2 7.3.4.9.9 1 2.2.2 2.9-2.3 2-6.7.8-7.5-3.3Z" />
        <path d="M25.2 11.3c-1.2-2.3-4.6-2.2-7.3.4-.9.9-1 2.2-.2 2.9 2.3 2 6.7.8 7.5-3.3Z" />
        <path d="M16 15c.7 0 1 .5 1.1 1.2l.5 3.5c.1.9-.6 1.6-1.6 1.6s-1.7-.7-1.6-1.6l.5-3.5C15 15.5 15.3 15 16 15Z" />
        <path d="M11.6 23.3c1.5.6 2.9.3 4.4-.3 1.5.6 2.9.9 4.4.3-1 1.9-2.5 2.9-4.4 2.9s-3.4-1-4.4-2.9Z" />
      </g>
      <g fill="var(--brand)">
        <circle cx="11" cy="12.7" r="1.15" />
        <circle cx="21" cy="12.7" r="1.15" />
      </g>
    </svg>
  );
}
