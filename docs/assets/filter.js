// A field above the tables of the page of configurations: rows without all of its words are hidden.
document.addEventListener("DOMContentLoaded", () => {
  if (!location.pathname.includes("/configurations/")) return;
  const article = document.querySelector("article");
  const field = document.createElement("input");
  field.type = "search";
  field.placeholder = "Filter, for instance: cifar10 conopt, or Fig. 5";
  field.className = "filter";
  article.querySelector("h2").before(field);
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/);
    for (const table of article.querySelectorAll("table")) {
      let any = false;
      for (const row of table.tBodies[0].rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        any ||= !row.hidden;
      }
      const block = table.closest(".md-typeset__scrollwrap") ?? table;
      block.hidden = !any;
      block.previousElementSibling.hidden = !any;
    }
  });
});
