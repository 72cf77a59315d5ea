// Runs before anything is drawn: who chose the other scheme than the system's sees no flash of the wrong one. A file of its own,
// because the page's policy admits no script within the page; no module, because modules run too late. The name is Mantine's.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("mantine-color-scheme-value");
  } catch {
    // Storage is forbidden in this browser: the system's scheme then.
  }
  if (chosen !== "light" && chosen !== "dark")
    chosen = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.setAttribute("data-mantine-color-scheme", chosen);
})();
