// Before the first paint, so that a dark console does not flash white. A file, because the policy forbids inline scripts.
(() => {
  let scheme = null;
  try {
    scheme = localStorage.getItem("lianpu.scheme");
  } catch {}
  if (scheme !== "light" && scheme !== "dark") {
    scheme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  document.documentElement.setAttribute("data-mantine-color-scheme", scheme);
})();
