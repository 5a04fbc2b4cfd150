"use strict";

// The page may call its own origin only, and behind a proxy the edge may not know that address.
const callOwnOrigin = {
  statePlugins: {
    spec: {
      wrapActions: {
        updateJsonSpec: (update) => (contract) =>
          update({ ...contract, servers: [{ url: window.location.origin }] }),
      },
    },
  },
};

if (window.matchMedia("(prefers-color-scheme: dark)").matches) {
  document.documentElement.classList.add("dark-mode");
}

// No deep links: the viewer does not resolve a path's shared parameters when it opens by one.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  plugins: [callOwnOrigin],
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
