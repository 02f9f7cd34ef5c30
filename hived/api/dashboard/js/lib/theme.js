/* Sets the theme before the first paint: "auto" follows the system, a choice is kept in this browser. */
(function () {
  "use strict";
  var KEY = "hived-theme";
  var system = window.matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try {
      var kept = window.localStorage.getItem(KEY);
      return kept === "light" || kept === "dark" ? kept : "auto";
    } catch (refused) {
      return "auto"; // storage may be switched off
    }
  }

  function apply() {
    var choice = chosen();
    document.documentElement.dataset.theme = choice === "auto" ? (system.matches ? "dark" : "light") : choice;
    window.dispatchEvent(new Event("theme"));
  }

  window.hivedTheme = {
    chosen: chosen,
    choose: function (choice) {
      try {
        window.localStorage.setItem(KEY, choice);
      } catch (refused) {
        return;
      }
      apply();
    },
  };
  system.addEventListener("change", apply);
  apply();
})();
