"use strict";

// The viewer has dark colours of its own, which a class of the root switches on; the reader's system decides.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

window.SwaggerUIBundle({
  // Relative, so that a proxy may serve Fealty under a path of its own.
  url: "openapi.json",
  dom_id: "#reference",
  presets: [window.SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: -1,
  displayOperationId: false,
  displayRequestDuration: true,
  filter: true,
  requestSnippetsEnabled: true,
  // Keys stay in the page's memory: a reload forgets them.
  persistAuthorization: false,
  // No badge of a validation service: it would tell an outside host what is read here.
  validatorUrl: null,
  onComplete: () => document.documentElement.classList.add("reference-ready"),
});
