/* The description of the API, shown by Swagger UI. Whoever is logged in here may try what they may do. */
SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null, // a site on the internet
});
