// Every number of the page is marked by its data-key. Hover or focus shows what stands behind it,
// a click opens its page in the audit explorer. A tap shows the card first: it holds the link.
// A figure is a picture, whose numbers cannot be marked: a link below it leads to their list.
//
// One number at a time takes part in the order of the Tab key; the arrows left and right go on
// from there. Both renderers embed this file with the data (rendering/marks.py).
(function () {
  "use strict";
  var told = JSON.parse(document.getElementById("printed-numbers").textContent);
  // Not in the table of contents, which repeats the headings.
  var page = document.querySelector("main") || document.body;
  var marks = Array.prototype.filter.call(page.querySelectorAll("[data-key]"), isTold);
  Array.prototype.forEach.call(page.querySelectorAll('[id^="fig-"]'), listNumbers);
  if (marks.length === 0) { return; }

  function isTold(mark) {
    return told.numbers[mark.dataset.key] !== undefined;
  }

  var KEYS_SAID = "Left and right arrow: the other numbers. Enter: the audit explorer.";
  var SHOW_AFTER = 120, HIDE_AFTER = 220, GAP = 8; // milliseconds, pixels
  var card = document.createElement("div");
  var shown = null, timer = 0, touched = false;

  card.id = "number-card";
  card.setAttribute("role", "tooltip");
  card.hidden = true;
  document.body.appendChild(card);

  function element(tag, name, text) {
    var made = document.createElement(tag);
    if (name) { made.className = name; }
    made.textContent = text;
    return made;
  }

  function listNumbers(figure) {
    if (!figure.querySelector("img, svg")) { return; }
    var link = element("a", "figure-numbers", "Numbers of this figure");
    link.href = told.explorer + "#/numbers?figure=" + encodeURIComponent(figure.id);
    (figure.querySelector("figcaption") || figure).appendChild(link);
  }

  function address(mark) {
    return told.explorer + "#" + encodeURIComponent(mark.dataset.key);
  }

  function fill(mark) {
    var entry = told.numbers[mark.dataset.key], list = document.createElement("dl");
    card.textContent = "";
    card.appendChild(element("p", "card-key", mark.dataset.key));
    if (entry[0]) { card.appendChild(element("p", "card-value", entry[0])); }
    told.fields.forEach(function (name, i) {
      var text = told.phrases[entry[i + 1] || 0];
      if (text) {
        list.appendChild(element("dt", "", name));
        list.appendChild(element("dd", name === "Data" ? "card-label" : "", text));
      }
    });
    card.appendChild(list);
    var link = element("a", "card-link", "Open in the audit explorer");
    link.href = address(mark);
    link.tabIndex = -1; // Enter on the number itself does the same.
    card.appendChild(link);
    card.appendChild(element("p", "card-keys", KEYS_SAID));
  }

  // Below the first line of the number, above it where there is no room, always within the window.
  function place(mark) {
    var at = mark.getClientRects()[0] || mark.getBoundingClientRect();
    var width = document.documentElement.clientWidth, height = window.innerHeight;
    var left = Math.max(GAP, Math.min(at.left, width - card.offsetWidth - GAP));
    var below = at.bottom + GAP, above = at.top - GAP - card.offsetHeight;
    var top = below + card.offsetHeight <= height || above < 0 ? below : above;
    card.style.left = left + window.scrollX + "px";
    card.style.top = top + window.scrollY + "px";
  }

  function show(mark) {
    window.clearTimeout(timer);
    card.classList.toggle("by-keyboard", mark.matches(":focus-visible"));
    if (shown === mark) { return; }
    hide();
    shown = mark;
    fill(mark);
    card.hidden = false;
    place(mark);
    mark.classList.add("has-card");
    mark.setAttribute("aria-describedby", card.id);
  }

  function hide() {
    window.clearTimeout(timer);
    if (shown !== null) {
      shown.classList.remove("has-card");
      shown.removeAttribute("aria-describedby");
    }
    shown = null;
    card.hidden = true;
  }

  function later(action, wait) {
    window.clearTimeout(timer);
    timer = window.setTimeout(action, wait);
  }

  function markOf(target) {
    var mark = target instanceof Element ? target.closest("[data-key]") : null;
    return mark !== null && page.contains(mark) && isTold(mark) ? mark : null;
  }

  // The one number that Tab stops at.
  function take(mark) {
    marks.current.tabIndex = -1;
    marks.current.removeAttribute("role");
    mark.tabIndex = 0;
    mark.setAttribute("role", "link");
    marks.current = mark;
  }

  function step(mark, by) {
    var next = marks[marks.indexOf(mark) + by];
    if (next) {
      take(next);
      next.focus();
    }
  }

  // "#number=os.median,2": the second place where a key is printed; the explorer links so.
  function follow() {
    var wanted = /^#number=([^,]+)(?:,(\d+))?$/.exec(decodeURIComponent(location.hash));
    if (wanted === null) { return; }
    var same = marks.filter(function (mark) { return mark.dataset.key === wanted[1]; });
    var mark = same[Math.min(Number(wanted[2] || 1), same.length) - 1];
    if (mark) {
      take(mark);
      mark.scrollIntoView({ block: "center", inline: "center" });
      mark.focus({ preventScroll: true });
    }
  }

  marks.forEach(function (mark) {
    mark.removeAttribute("title"); // the card says it, and twice is once too many
    mark.tabIndex = -1;
    // Wording of the registry is no number, and is not marked until it is asked.
    if (!/\d/.test(mark.textContent)) { mark.classList.add("wording"); }
  });
  marks.current = marks[0];
  take(marks[0]);

  document.addEventListener("pointerover", function (event) {
    var mark = markOf(event.target);
    if (event.pointerType === "touch") { return; }
    if (mark !== null) {
      later(function () { show(mark); }, SHOW_AFTER);
    } else if (card.contains(event.target)) {
      window.clearTimeout(timer);
    } else if (shown !== null && shown !== document.activeElement) {
      later(hide, HIDE_AFTER);
    } else {
      window.clearTimeout(timer);
    }
  });
  document.addEventListener("pointerdown", function (event) {
    touched = event.pointerType === "touch";
    if (touched && shown !== null && markOf(event.target) === null && !card.contains(event.target)) {
      hide();
    }
  });
  document.addEventListener("click", function (event) {
    var mark = markOf(event.target);
    if (mark === null || !window.getSelection().isCollapsed) { return; }
    take(mark);
    if (touched) {
      show(mark);
    } else if (event.ctrlKey || event.metaKey || event.shiftKey) {
      window.open(address(mark), "_blank", "noopener");
    } else {
      location.assign(address(mark));
    }
  });
  document.addEventListener("focusin", function (event) {
    var mark = markOf(event.target);
    if (mark !== null && !touched) { show(mark); }
  });
  document.addEventListener("focusout", function (event) {
    if (markOf(event.target) !== null && !touched && !card.contains(event.relatedTarget)) { hide(); }
  });
  document.addEventListener("keydown", function (event) {
    touched = false;
    if (event.key === "Escape") { hide(); }
    var mark = event.target === document.activeElement ? markOf(event.target) : null;
    if (mark === null || event.altKey || event.ctrlKey || event.metaKey) { return; }
    if (event.key === "Enter") {
      location.assign(address(mark));
    } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      event.preventDefault();
      step(mark, event.key === "ArrowRight" ? 1 : -1);
    }
  });
  window.addEventListener("resize", hide);
  window.addEventListener("hashchange", follow);
  follow();
})();
