// The audit explorer. The address says what is shown: #os.median is a number's page, #/numbers?q=…
// a view with its filters. Going back therefore goes back, and every view can be linked to.
(function () {
  "use strict";

  // --- data -------------------------------------------------------------------------------------

  var told = JSON.parse(document.getElementById("data").textContent);
  var KINDS = ["computed", "transcribed", "configured"];
  var keys = decoded(told.keys), at = new Map();
  keys.forEach(function (key, i) { at.set(key, i); });
  var companions = new Map(); // a number -> its limits, its stated form, its reason
  told.columns.of.forEach(function (of, i) {
    if (of >= 0) { companions.set(of, (companions.get(of) || []).concat(i)); }
  });
  var findingsOf = new Map(); // a published figure -> the checks that it takes part in
  told.findings.forEach(function (finding, i) {
    finding[6].forEach(function (key) {
      findingsOf.set(key, (findingsOf.get(key) || []).concat(i));
    });
  });
  var searched = null; // lower-case texts, made when first searched

  function decoded(coded) {
    var made = [], before = "";
    for (var i = 0; i < coded.length; i += 2) {
      before = before.slice(0, coded[i]) + coded[i + 1];
      made.push(before);
    }
    return made;
  }

  function phrase(column, i) { return told.phrases[told.columns[column][i]]; }
  function listed(column, i) { return told.lists[told.columns[column][i]]; }
  function kind(i) { return KINDS[told.columns.kind[i]]; }
  function rows(i) { return told.sets[told.columns.set[i]] || null; }
  function placesOf(i) { return told.places[keys[i]] || []; }

  function exact(value) { return value === null ? "" : String(value); }

  function haystack() {
    if (searched === null) {
      searched = keys.map(function (key, i) {
        return (key + " " + phrase("text", i) + " " + phrase("method", i) + " "
          + phrase("locator", i) + " " + phrase("source", i)).toLowerCase();
      });
    }
    return searched;
  }

  // --- elements ---------------------------------------------------------------------------------

  var view = document.getElementById("view"), query = document.getElementById("query");

  // make("p.small", {title: "…"}, "text", child, …); null children are left out.
  function make(name, attributes) {
    var parts = name.split("."), made = document.createElement(parts[0]);
    made.className = parts.slice(1).join(" ");
    Object.keys(attributes || {}).forEach(function (attribute) {
      if (attributes[attribute] !== null) { made.setAttribute(attribute, attributes[attribute]); }
    });
    fill(made, Array.prototype.slice.call(arguments, 2));
    return made;
  }

  function fill(element, children) {
    children.forEach(function (child) {
      if (Array.isArray(child)) {
        fill(element, child);
      } else if (child !== null && child !== undefined && child !== "") {
        element.append(child);
      }
    });
  }

  function show(title) {
    view.textContent = "";
    fill(view, Array.prototype.slice.call(arguments, 1));
    document.title = title + " · Audit explorer";
    document.getElementById("said").textContent = title;
  }

  function link(i, text) {
    return make("a.key", { href: address(keys[i]) }, text || keys[i]);
  }

  function address(key) { return "#" + encodeURIComponent(key); }

  function keyLink(key) {
    return at.has(key) ? link(at.get(key)) : make("code", {}, key);
  }

  function badge(status) {
    var tone = { independent: ".good", metric_only: ".good", none: ".warm", replayed: "" };
    return status ? make("span.badge" + (tone[status] || ""), { title: told.summary.meanings[status] },
      status.replace("_", " ")) : null;
  }

  function verdictBadge(verdict) {
    var good = ["consistent", "unchanged"], bad = ["inconsistent", "impossible"];
    var tone = good.indexOf(verdict) >= 0 ? ".good" : bad.indexOf(verdict) >= 0 ? ".bad" : ".warm";
    return make("span.badge" + tone, {}, verdict.replace("_", " "));
  }

  function supportBadge(i) {
    var support = phrase("support", i);
    return support && kind(i) === "computed"
      ? make("span.badge" + (support === "filler" ? ".warm" : ""), { title: told.summary.supports[support] }, support)
      : null;
  }

  // heads: [name, class]; on a phone each row is a block, and cells say their names.
  function table(heads, body) {
    var rowsOf = body.map(function (cells) {
      return make("tr", {}, cells.map(function (cell, i) {
        return make("td." + (heads[i][1] || "plain"), { "data-name": heads[i][2] || null }, cell);
      }));
    });
    return make("table.stacked", {},
      make("thead", {}, make("tr", {}, heads.map(function (head) {
        return make("th." + (head[1] || "plain"), { scope: "col" }, head[0]);
      }))),
      make("tbody", {}, rowsOf));
  }

  // A list of which a hundred rows are there at once.
  function longTable(heads, items, cells) {
    var STEP = 100, shown = 0, made = table(heads, []), body = made.querySelector("tbody");
    var before = fresh ? null : kept.get(location.hash);
    var more = make("button.more-rows", { type: "button" });
    function add() {
      var part = table(heads, items.slice(shown, shown + STEP).map(cells));
      body.append.apply(body, Array.prototype.slice.call(part.querySelector("tbody").children));
      shown = Math.min(items.length, shown + STEP);
      more.textContent = "Show more (" + (items.length - shown) + " left)";
      more.hidden = shown === items.length;
    }
    more.addEventListener("click", function () { add(); keep(); });
    do { add(); } while (before && shown < Math.min(before.shown, items.length));
    more.shown = function () { return shown; };
    return [made, more];
  }

  function facts(pairs) {
    var list = make("dl.facts");
    pairs.forEach(function (pair) {
      if (pair[1] !== null && pair[1] !== "" && !(Array.isArray(pair[1]) && !pair[1].length)) {
        list.append(make("dt", {}, pair[0]), make("dd", {}, pair[1]));
      }
    });
    return list;
  }

  function apart(items, make_) {
    return items.reduce(function (made, item, i) {
      return made.concat(i ? [", "] : [], [make_(item)]);
    }, []);
  }

  function count(number, one, many) { return grouped(number) + " " + (number === 1 ? one : many || one + "s"); }

  // Going back finds a view as it was left: how far down, and how many rows were there.
  var kept = new Map(), fresh = true;

  function keep() {
    var more = view.querySelector(".more-rows");
    kept.set(location.hash, { top: window.scrollY, shown: more ? more.shown() : 0 });
  }

  // --- views: lists -----------------------------------------------------------------------------

  function selected(parameters, name, label, values) {
    var select = make("select", { name: name },
      make("option", { value: "" }, "all"),
      values.map(function (value) { return make("option", { value: value }, value.replace("_", " ")); }));
    select.value = parameters.get(name) || "";
    select.addEventListener("change", function () { refine(name, select.value); });
    return make("label", {}, label, select);
  }

  // Another filter of the same view is no new page to go back to.
  function refine(name, value) {
    var here = route(), parameters = here.parameters;
    if (value) { parameters.set(name, value); } else { parameters.delete(name); }
    var said = parameters.toString();
    history.replaceState(null, "", "#/" + here.view + (said ? "?" + said : ""));
    render(name);
  }

  function distinct(values) { return Array.from(new Set(values)).filter(Boolean).sort(); }

  function wordsOf(parameters) {
    return (parameters.get("q") || "").toLowerCase().split(/\s+/).filter(Boolean);
  }

  function matches(text, words) {
    return words.every(function (word) { return text.indexOf(word) >= 0; });
  }

  // A setting decides a number whose stage depends on it, or on the block that it stands in.
  function dependsOn(i, setting) {
    return kind(i) === "computed" && listed("config", i).some(function (own) {
      return own === setting || setting.indexOf(own + ".") === 0 || own.indexOf(setting + ".") === 0;
    });
  }

  function numbers(parameters) {
    var words = wordsOf(parameters), texts = haystack();
    var found = keys.map(function (_, i) { return i; }).filter(function (i) {
      return matches(texts[i], words)
        && (!parameters.get("kind") || kind(i) === parameters.get("kind"))
        && (!parameters.get("check") || phrase("status", i) === parameters.get("check"))
        && (!parameters.get("rule") || phrase("rule", i) === parameters.get("rule"))
        && (!parameters.get("support") || phrase("support", i) === parameters.get("support"))
        && (!parameters.get("printed") || (placesOf(i).length > 0) === (parameters.get("printed") === "yes"))
        && (!parameters.get("setting") || dependsOn(i, parameters.get("setting")));
    });
    // What begins as was asked for comes first, then what has it in its key; printed before others.
    var wanted = words.join(" ");
    if (wanted) {
      var rank = function (i) {
        var key = keys[i].toLowerCase();
        return key === wanted || phrase("text", i).toLowerCase() === wanted ? 0
          : key.indexOf(wanted) === 0 ? 1 : key.indexOf(wanted) > 0 ? 2 : 3;
      };
      found = found.map(function (i) { return [2 * rank(i) + (placesOf(i).length ? 0 : 1), i]; })
        .sort(function (a, b) { return a[0] - b[0] || a[1] - b[1]; })
        .map(function (pair) { return pair[1]; });
    }
    var setting = parameters.get("setting");
    show(count(found.length, "number"),
      make("h1", {}, "Numbers"),
      make("div.filters", {},
        selected(parameters, "kind", "Kind", KINDS),
        selected(parameters, "check", "Cross-check", Object.keys(told.summary.meanings)),
        selected(parameters, "rule", "Rule", distinct(keys.map(function (_, i) { return phrase("rule", i); }))),
        selected(parameters, "support", "Support", Object.keys(told.summary.supports)),
        selected(parameters, "printed", "In the text", ["yes", "no"])),
      setting ? make("p", {}, "Decided by ", make("code", {}, setting), " · ",
        make("a", { href: "#/numbers" }, "all numbers")) : null,
      make("p.quiet", { id: "found" }, count(found.length, "number") + " of " + keys.length),
      longTable([["Key"], ["As printed", "printed"], ["Unit", "", "unit"], ["Source", "small"], ["Check"]], found, function (i) {
        return [link(i), phrase("text", i), phrase("unit", i) === "text" ? "" : phrase("unit", i),
          phrase("source", i), [badge(phrase("status", i)), " ", supportBadge(i)]];
      }));
  }

  function published(parameters) {
    var words = wordsOf(parameters), texts = haystack();
    var all = keys.map(function (_, i) { return i; }).filter(function (i) { return kind(i) === "transcribed"; });
    var found = all.filter(function (i) {
      return matches(texts[i], words)
        && (!parameters.get("study") || study(i) === parameters.get("study"));
    });
    show("Published figures",
      make("h1", {}, "Published figures"),
      make("p.quiet", {}, "Transcribed from the papers, each with its place there and its line in our tables."),
      make("div.filters", {}, selected(parameters, "study", "Study", distinct(all.map(study)))),
      make("p.quiet", { id: "found" }, count(found.length, "figure") + " of " + all.length),
      longTable([["Figure"], ["As printed", "printed"], ["Unit", "", "unit"], ["Place in the paper", "", "in"], ["Line", "small", "line"], ["Checks", "", "checks:"]], found, function (i) {
        var taken = (findingsOf.get(keys[i]) || []).length;
        return [link(i), phrase("text", i), phrase("unit", i) === "text" ? "" : phrase("unit", i),
          phrase("locator", i), make("code", {}, phrase("place", i)), taken ? String(taken) : ""];
      }));
  }

  function study(i) { return keys[i].split(".")[0] === "published" ? keys[i].split(".")[1] : ""; }

  function consistency(parameters) {
    var words = wordsOf(parameters);
    var found = told.findings.filter(function (finding) {
      return (!parameters.get("verdict") || told.phrases[finding[2]] === parameters.get("verdict"))
        && (!parameters.get("check") || told.phrases[finding[1]] === parameters.get("check"))
        && matches((finding[0] + " " + told.phrases[finding[3]] + " " + told.phrases[finding[5]]).toLowerCase(), words);
    });
    var every = function (place) {
      return distinct(told.findings.map(function (finding) { return told.phrases[finding[place]]; }));
    };
    show("Consistency findings",
      make("h1", {}, "Consistency of the published figures"),
      make("p.quiet", {}, "What the papers print, held against what else they print and against arithmetic."),
      make("div.filters", {}, selected(parameters, "verdict", "Verdict", every(2)),
        selected(parameters, "check", "Check", every(1))),
      make("p.quiet", { id: "found" }, count(found.length, "finding") + " of " + told.findings.length),
      longTable([["Verdict"], ["Check", "", "check:"], ["Printed", "printed", "printed:"], ["Recomputed", "", "recomputed:"], ["Arithmetic"], ["Figures", "small"]], found, findingCells));
  }

  function findingCells(finding) {
    return [verdictBadge(told.phrases[finding[2]]), told.phrases[finding[1]].replace(/_/g, " "),
      told.phrases[finding[3]], told.phrases[finding[4]], told.phrases[finding[5]],
      apart(finding[6].slice(0, 6), keyLink).concat(
        finding[6].length > 6 ? [" and " + (finding[6].length - 6) + " more"] : [])];
  }

  // --- views: flow and run ----------------------------------------------------------------------

  function flow() {
    var ledger = told.flow, screening = ledger.screening || {}, patients = ledger.patients || {};
    var steps = [
      ["reviewed", screening.reviewed, screening.excluded
        ? count(screening.excluded, "patient") + " excluded: " + (screening.reasons || []).join("; ") : ""],
      ["enrolled", screening.enrolled, screening.locator || ""],
      ["read from the tables", patients.read, excluded(patients.excluded)],
      ["analysed", patients.analysed, ""],
    ].filter(function (step) { return step[1] !== undefined && step[1] !== null; });
    var names = Object.keys(ledger.tables || {});
    show("Flow",
      make("h1", {}, "Flow of patients and rows"),
      make("ol.funnel", {}, steps.map(function (step) {
        return make("li", {}, make("div.box", {}, make("strong", {}, String(step[1])), step[0]),
          make("div.small.quiet", {}, step[2]));
      })),
      make("h2", {}, "Rows of each table"),
      make("p.quiet", {}, "Every row read is analysed or excluded with a reason."),
      make("div.scroll", {}, table([["Table"], ["File", "", "file:"], ["Rows read", "number", "rows read:"], ["Kept", "number", "kept:"], ["Excluded", "", "excluded:"], ["Canonical rows", "number", "canonical rows:"]],
        names.map(function (name) {
          var one = ledger.tables[name];
          return [make("code", {}, name), one.file, String(one.rows_read), String(one.rows_kept),
            excluded(one.excluded) || "none", String(one.canonical_rows)];
        }))));
  }

  // An entry of the ledger is a text, or an object with reason and number.
  function excluded(entries) {
    return (entries || []).map(function (entry) {
      if (typeof entry !== "object") { return String(entry); }
      return Object.keys(entry).filter(function (name) { return typeof entry[name] !== "object"; })
        .map(function (name) { return name.replace(/_/g, " ") + " " + entry[name]; }).join(", ");
    }).join("; ");
  }

  function tile(number, text, href) {
    return make("li", {}, make(href ? "a" : "div", href ? { href: href } : {},
      make("strong", {}, grouped(number)), text));
  }

  function grouped(number) { return Number(number).toLocaleString("en"); }

  function home() {
    var summary = told.summary, coverage = summary.coverage;
    var failed = summary.disagreeing.length;
    show("Overview",
      make("h1", {}, told.title),
      make("p", {}, "Every number of ", make("a", { href: told.manuscript }, "the manuscript"),
        ": what it is, which rows, rule, code and settings made it, whether a second engine agrees, and where it is printed."),
      make("h2", {}, "Numbers in the registry"),
      make("ul.tiles", {}, KINDS.map(function (name) {
        return tile(summary.kinds[name], name, "#/numbers?kind=" + name);
      }), tile(Object.keys(told.places).length, "stand in the text", "#/numbers?printed=yes")),
      make("h2", {}, "Cross-checks"),
      make("ul.tiles", {}, Object.keys(summary.checks).map(function (status) {
        return tile(summary.checks[status], status.replace("_", " ") + ": " + summary.meanings[status],
          "#/numbers?check=" + status);
      })),
      failed ? [make("p", {}, make("span.badge.bad", {}, "disagree"), " " + count(failed, "number") + ": ",
        apart(summary.disagreeing.slice(0, 20), keyLink))] : null,
      coverage.printed === undefined ? null : [
        make("h2", {}, "Numbers on the page"),
        make("ul.tiles", {},
          tile(coverage.printed, "numbers are printed"),
          KINDS.map(function (name) { return tile(coverage[name], name); }),
          tile(Object.values(coverage.set_aside || {}).reduce(function (a, b) { return a + b; }, 0), "set aside by a rule", "#/run"),
          tile((coverage.unaccounted || []).length, "unaccounted"))],
      make("h2", {}, "Published figures, checked"),
      make("ul.tiles", {}, Object.keys(summary.verdicts).map(function (verdict) {
        return tile(summary.verdicts[verdict], verdict.replace("_", " "), "#/consistency?verdict=" + verdict);
      })));
  }

  function run() {
    var environment = told.environment, lock = environment.lock || {};
    var aside = told.summary.coverage.set_aside || {}, pages = told.summary.pages;
    show("This run",
      make("h1", {}, "This run"),
      make("h2", {}, "Environment"),
      facts([["Python", environment.python || ""], ["Renderer", environment.renderer || ""],
        ["Lock", lock.path ? [make("code", {}, lock.path), " ", hash(lock.sha256)] : ""]]),
      make("details", {}, make("summary", {}, "Libraries by stage"),
        table([["Stage"], ["Libraries"]], Object.keys(environment.stages || {}).map(function (stage) {
          return [make("code", {}, stage), versions(stage)];
        }))),
      make("h2", {}, "Files"),
      make("div.scroll", {}, table([["File"], ["SHA-256"]], Object.keys(told.files).map(function (path) {
        return [make("code", {}, path), hash(told.files[path])];
      }))),
      make("h2", {}, "Numbers set aside by rule"),
      facts(Object.keys(aside).map(function (rule) { return [rule.replace(/_/g, " "), String(aside[rule])]; })),
      pages.html === undefined ? null : [
        make("h2", {}, "Pages held against what was judged"),
        facts(["html", "pdf", "docx"].filter(function (name) { return pages[name]; }).map(function (name) {
          return [name.toUpperCase(), count(pages[name].tokens, "number") + (pages[name].equal ? ", equal" : ", not equal")];
        }))]);
  }

  function versions(stage) {
    var used = (told.environment.stages || {})[stage] || {};
    return Object.keys(used).map(function (name) { return name + " " + used[name]; }).join(", ");
  }

  function hash(text) { return make("span.hash", {}, text || ""); }

  // --- a number's page --------------------------------------------------------------------------

  function number(i) {
    var text = phrase("text", i), unit = phrase("unit", i);
    show(keys[i],
      make("h1.key", {}, keys[i]),
      make("div.headline", {},
        make("span.text" + (text.length > 24 ? ".long" : ""), {}, text),
        unit && unit !== "text" ? make("span.quiet", {}, unit) : null,
        make("span", {}, badge(phrase("status", i)), " ", supportBadge(i))),
      facts([
        ["Full precision", exact(told.columns.value[i])],
        ["Interval", phrase("interval", i)],
        ["p", exact(told.columns.p[i])],
        ["Method", phrase("method", i)],
        ["Reason", phrase("reason", i)],
        ["Rests on", phrase("counted", i)],
        ["Population", phrase("population", i)],
        ["Source", phrase("source", i)],
        ["Support", kind(i) === "computed" && phrase("support", i) ? phrase("support", i) + ": " + told.summary.supports[phrase("support", i)] : ""],
        ["Cross-check", phrase("check", i)],
        ["Belongs to", told.columns.of[i] >= 0 ? link(told.columns.of[i]) : ""],
        ["Goes with", apart(companions.get(i) || [], function (j) { return link(j); })],
      ]),
      make("h2", { id: "ancestry" }, "Ancestry"),
      ancestry(i),
      printedAt(i), rowsSection(i), madeBy(i), settingsOf(i), checksOf(i));
    query.value = "";
  }

  function printedAt(i) {
    var places = placesOf(i);
    if (!places.length) {
      return [make("h2", { id: "places" }, "In the text"), make("p.quiet", {}, "Not printed in the manuscript.")];
    }
    return [make("h2", { id: "places" }, "In the text (" + places.length + ")"),
      make("ul.places", {}, places.map(function (place, n) {
        var words = place.map(function (p) { return told.phrases[p]; });
        return make("li", {}, sentence(words[2], phrase("text", i)),
          make("div.small.quiet", {},
            make("a", { href: told.manuscript + "#number=" + encodeURIComponent(keys[i]) + "," + (n + 1) }, words[1] || words[0]),
            words[0] && words[1].indexOf(words[0]) < 0 ? " · " + words[0] : "",
            words[3] ? [" · ", make("code", {}, words[3])] : null));
      }))];
  }

  // The sentence with the number marked where it stands alone.
  function sentence(said, text) {
    var from = 0, here;
    while ((here = said.indexOf(text, from)) >= 0) {
      var before = said[here - 1] || " ", after = said[here + text.length] || " ";
      if (!/[\d.]/.test(before) && !/\d/.test(after)) {
        return make("div", {}, said.slice(0, here), make("mark", {}, text), said.slice(here + text.length));
      }
      from = here + 1;
    }
    return make("div", {}, said);
  }

  function rowsSection(i) {
    var set = rows(i);
    if (!set) {
      var line = phrase("place", i);
      return listed("inputs", i).length ? [make("h2", { id: "rows" }, "Files"),
        line ? make("p.quiet", {}, "Transcribed in ", make("code", {}, line), ".") : null,
        filesTable(listed("inputs", i))] : null;
    }
    var row = function (what) {
      return function (name) {
        return [make("code", {}, name), what, grouped(set[what][name][0]),
          make("span.small", {}, set[what][name][1]), what === "raw" ? hash(told.files[name.split("#")[0]]) : ""];
      };
    };
    var body = ["units", "canonical", "raw"].reduce(function (made, what) {
      return made.concat(Object.keys(set[what]).map(row(what)));
    }, []);
    return [make("h2", { id: "rows" }, "Rows"),
      make("p.quiet", {}, count(set.n.units, "unit") + " counted, " + count(set.n.canonical, "canonical row")
        + ", " + count(set.n.raw, "raw line") + ". Set ", make("code", {}, set.id), "."),
      make("div.scroll", {}, table([["Table or file"], ["Kind"], ["Rows", "number", "rows:"], ["Which", "", "lines"], ["SHA-256", "", ""]], body)),
      make("p.small.quiet", {}, "All of them: ", make("code", {}, "sarcoma-sbrt trace " + keys[i] + " --rows"))];
  }

  function filesTable(files) {
    return make("div.scroll", {}, table([["File"], ["SHA-256"]], files.map(function (file) {
      return [make("code", {}, file[0]), hash(file[1])];
    })));
  }

  function madeBy(i) {
    var stage = phrase("stage", i), code = told.code[stage] || [];
    if (!phrase("rule", i)) { return null; }
    return [make("h2", { id: "code" }, "Made by"),
      facts([["Rule", make("a", { href: "#/numbers?rule=" + phrase("rule", i) }, phrase("rule", i))],
        ["Columns", listed("uses", i).join(", ")],
        ["Libraries", versions(stage)]]),
      code.length ? make("details", {}, make("summary", {}, count(code.length, "script or module", "scripts and modules")),
        filesTable(code)) : null];
  }

  function settingsOf(i) {
    var settings = listed("config", i);
    if (!settings.length) { return null; }
    return [make("h2", { id: "settings" }, kind(i) === "configured" ? "Setting" : "Settings that decide it"),
      make("ul", {}, settings.map(function (setting) {
        return make("li", {}, at.has("config." + setting) && "config." + setting !== keys[i]
          ? link(at.get("config." + setting), setting) : make("code", {}, setting), " ",
          make("a.small", { href: "#/numbers?setting=" + encodeURIComponent(setting) }, "what else it decides"));
      }))];
  }

  function checksOf(i) {
    var found = findingsOf.get(keys[i]) || [];
    if (!found.length) { return null; }
    return [make("h2", { id: "checks" }, "Consistency checks of this figure (" + found.length + ")"),
      longTable([["Verdict"], ["Check", "", "check:"], ["Printed", "printed", "printed:"], ["Recomputed", "", "recomputed:"], ["Arithmetic"], ["Figures", "small"]],
        found.map(function (n) { return told.findings[n]; }), findingCells)];
  }

  // --- the ancestry, drawn ----------------------------------------------------------------------

  var SVG = "http://www.w3.org/2000/svg";
  var BOX = { narrow: 146, width: 178, height: 46, gap: 12, between: 32, head: 20 };
  var PADDING = 64; // of the view and of the drawing, both sides

  // Layers from data to page; each node: lines of text, and the section that it leads to.
  function layersOf(i) {
    var set = rows(i), raw = [], canonical = [], units = [];
    if (set) {
      raw = nodesOf(set.raw, "line", "rows");
      canonical = nodesOf(set.canonical, "row", "rows");
      units = nodesOf(set.units, "row", "rows");
    } else {
      var line = phrase("place", i).split(":")[1];
      raw = listed("inputs", i).map(function (file) {
        return node(file[0].split("/").pop(), line ? "line " + line : "file", "rows", file[0]);
      });
    }
    var paper = phrase("locator", i) ? [node(phrase("locator", i), "as printed", null, "paper")] : [];
    var settings = listed("config", i).length;
    var making = [];
    if (phrase("rule", i)) {
      var modules = (told.code[phrase("stage", i)] || []).length;
      making.push(node("rule " + phrase("rule", i), modules ? count(modules, "file") + " of code" : "", "code", "rule"));
    }
    var seconds = phrase("status", i) && phrase("status", i) !== "none"
      ? [node(engineOf(i), "second engine", null, "second")] : [];
    // Settings stand beside what goes into the rule last.
    if (settings) {
      (units.length ? units : raw).push(
        node("configuration", count(settings, "setting"), "settings", "configuration"));
    }
    var own = node(phrase("text", i), keys[i], null, "own");
    own.own = true;
    var printed = placesOf(i).length;
    return [
      ["paper", paper], ["data", raw], ["canonical tables", canonical], ["units and settings", units],
      ["rule", making.concat(seconds)], ["number", [own]],
      ["text", printed ? [node("manuscript", count(printed, "place"), "places", "text")] : []],
    ].filter(function (layer) { return layer[1].length; });
  }

  function node(first, more, section, id) {
    return { first: first, more: more || "", section: section, id: id || first };
  }

  function nodesOf(part, unit, section) {
    return Object.keys(part).map(function (name) {
      return node(name.split("/").pop(), count(part[name][0], unit), section, name);
    });
  }

  function engineOf(i) {
    var found = /\(([^()]*)\)/.exec(phrase("check", i));
    return found ? found[1] : phrase("status", i);
  }

  // A raw file leads to the tables read from it; everything else leads to all of the next layer.
  function edgesOf(layers) {
    var edges = [];
    layers.slice(0, -1).forEach(function (layer, n) {
      layer[1].forEach(function (from) {
        targetsOf(layers, n, from).forEach(function (to) {
          edges.push({ from: from, to: to, second: from.id === "second" || to.id === "second" });
        });
      });
    });
    return edges;
  }

  function targetsOf(layers, n, from) {
    var next = layers[n + 1][1].filter(function (to) { return to.id !== "configuration"; });
    if (from.id === "configuration") { return next.slice(0, 1); }
    if (layers[n + 1][0] === "canonical tables") {
      var own = next.filter(function (to) { return told.tables[to.id] === from.id.split("#")[0]; });
      if (own.length) { return own; }
      return layers[n + 2][1].slice(0, 1);
    }
    return next;
  }

  function ancestry(i) {
    var layers = layersOf(i), box = make("div.graph", { tabindex: "0", role: "group", "aria-label": "Ancestry of " + keys[i] });
    var wide = room() >= layers.length * (BOX.narrow + BOX.between) - BOX.between;
    box.append(drawn(layers, wide ? across : downwards));
    return box;
  }

  function room() { return view.clientWidth - PADDING; }

  // Layers side by side, from left to right.
  function across(layers) {
    var tallest = Math.max.apply(null, layers.map(function (layer) { return layer[1].length; }));
    var gaps = layers.length - 1;
    var each = Math.min(BOX.width, (room() - gaps * BOX.between) / layers.length);
    var between = Math.min(2 * BOX.between, (room() - layers.length * each) / Math.max(1, gaps));
    layers.forEach(function (layer, n) {
      var top = BOX.head + (tallest - layer[1].length) * (BOX.height + BOX.gap) / 2;
      layer[1].forEach(function (one, m) {
        one.x = n * (each + between);
        one.y = top + m * (BOX.height + BOX.gap);
        one.width = each;
      });
      layer.x = n * (each + between);
      layer.y = 12;
    });
    return {
      width: layers.length * (each + between) - between,
      height: BOX.head + tallest * (BOX.height + BOX.gap),
      path: function (edge) {
        var x = edge.from.x + each, y = edge.from.y + BOX.height / 2;
        var to = edge.to.y + BOX.height / 2, half = (edge.to.x - x) / 2;
        return "M" + x + "," + y + " C" + (x + half) + "," + y + " " + (edge.to.x - half) + "," + to + " " + edge.to.x + "," + to;
      },
    };
  }

  // Layers one under the other, for a narrow window.
  function downwards(layers) {
    var available = Math.max(BOX.width, Math.min(room(), 620));
    var beside = Math.max(1, Math.floor((available + BOX.gap) / (BOX.narrow + BOX.gap)));
    var each = Math.min(BOX.width, (available - (beside - 1) * BOX.gap) / beside);
    var y = 0;
    layers.forEach(function (layer) {
      layer.x = 0;
      layer.y = y + 12;
      y += BOX.head;
      layer[1].forEach(function (one, m) {
        one.x = (m % beside) * (each + BOX.gap);
        one.y = y + Math.floor(m / beside) * (BOX.height + BOX.gap);
        one.width = each;
      });
      y += Math.ceil(layer[1].length / beside) * (BOX.height + BOX.gap) + 26;
    });
    return {
      width: available,
      height: y - 26,
      path: function (edge) {
        var x = edge.from.x + each / 2, to = edge.to.x + each / 2;
        var from = edge.from.y + BOX.height, half = (edge.to.y - from) / 2;
        return "M" + x + "," + from + " C" + x + "," + (from + half) + " " + to + "," + (edge.to.y - half) + " " + to + "," + edge.to.y;
      },
    };
  }

  function drawn(layers, layout) {
    var plan = layout(layers);
    var svg = shape("svg", { width: plan.width + 4, height: plan.height + 4, viewBox: "-2 -2 " + (plan.width + 4) + " " + (plan.height + 4), role: "group" });
    edgesOf(layers).forEach(function (edge) {
      svg.append(shape("path", { d: plan.path(edge), class: edge.second ? "second" : "" }));
    });
    layers.forEach(function (layer) {
      var name = shape("text", { x: layer.x, y: layer.y, class: "layer" });
      name.textContent = layer[0];
      svg.append(name);
      layer[1].forEach(function (one) { svg.append(drawnNode(one)); });
    });
    return svg;
  }

  function drawnNode(one) {
    var width = one.width;
    var group = shape("g", { transform: "translate(" + one.x + "," + one.y + ")", class: one.own ? "own" : "" });
    var title = shape("title", {});
    title.textContent = one.id === "own" || one.id === "second" || one.id === "paper" ? one.first + ", " + one.more : one.id + ", " + one.more;
    group.append(title, shape("rect", { width: width, height: BOX.height, rx: 4 }));
    [[one.first, 19, "first"], [one.more, 36, "more"]].forEach(function (line) {
      var text = shape("text", { x: 9, y: line[1], class: line[2] });
      text.textContent = cut(line[0], Math.floor((width - 16) / 6.7));
      group.append(text);
    });
    if (one.section) {
      group.setAttribute("role", "link");
      group.setAttribute("tabindex", "0");
      var go = function () {
        var section = document.getElementById(one.section);
        if (section) { section.scrollIntoView({ block: "start" }); }
      };
      group.addEventListener("click", go);
      group.addEventListener("keydown", function (event) { if (event.key === "Enter") { go(); } });
    }
    return group;
  }

  function shape(name, attributes) {
    var made = document.createElementNS(SVG, name);
    Object.keys(attributes).forEach(function (attribute) { made.setAttribute(attribute, attributes[attribute]); });
    return made;
  }

  function cut(text, longest) {
    return text.length <= longest ? text : text.slice(0, longest - 1) + "…";
  }

  // --- routes -----------------------------------------------------------------------------------

  var VIEWS = { "": home, numbers: numbers, published: published, consistency: consistency, flow: flow, run: run };

  function route() {
    var said = location.hash.slice(1);
    if (said === "" || said.charAt(0) === "/") {
      var parts = said.slice(1).split("?");
      return { view: parts[0], parameters: new URLSearchParams(parts[1] || "") };
    }
    return { key: decodeURIComponent(said), parameters: new URLSearchParams() };
  }

  // `refined`: the filter that was changed, which keeps the focus.
  function render(refined) {
    var here = route();
    if (here.key !== undefined) {
      if (at.has(here.key)) { number(at.get(here.key)); } else { unknown(here.key); }
    } else {
      (VIEWS[here.view] || unknown)(VIEWS[here.view] ? here.parameters : location.hash);
    }
    document.querySelectorAll("nav a").forEach(function (one) {
      if (one.getAttribute("href") === "#/" + here.view && here.view) {
        one.setAttribute("aria-current", "page");
      } else {
        one.removeAttribute("aria-current");
      }
    });
    if (typeof refined === "string") {
      var select = view.querySelector('select[name="' + refined + '"]');
      if (select) { select.focus(); }
    } else {
      query.value = here.parameters.get("q") || "";
      var before = fresh ? null : kept.get(location.hash);
      window.scrollTo(0, before ? before.top : 0);
    }
    fresh = false;
  }

  function unknown(key) {
    show("Nothing by this name",
      make("h1", {}, "Nothing by this name"),
      make("p", {}, make("code", {}, String(key)), " is no number of this run. ",
        make("a", { href: "#/numbers" }, "All numbers")));
  }

  // A search stays in the view that can be searched, and begins the view of all numbers elsewhere.
  function search() {
    var here = route(), searchable = ["numbers", "published", "consistency"];
    if (searchable.indexOf(here.view) >= 0) {
      refine("q", query.value);
    } else {
      location.hash = "#/numbers?q=" + encodeURIComponent(query.value);
    }
  }

  var waiting = 0;
  query.addEventListener("input", function () {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(search, 150);
  });
  document.getElementById("search").addEventListener("submit", function (event) {
    event.preventDefault();
    window.clearTimeout(waiting);
    search();
    var first = view.querySelector("tbody a");
    if (first) { first.focus(); }
  });
  document.addEventListener("keydown", function (event) {
    var typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      query.focus();
      query.select();
    }
  });
  document.querySelector(".skip").addEventListener("click", function (event) {
    event.preventDefault();
    view.focus();
  });
  history.scrollRestoration = "manual";
  document.addEventListener("click", function (event) {
    var followed = event.target instanceof Element && event.target.closest('a[href^="#"]');
    if (followed) {
      keep();
      fresh = true;
    }
  });
  window.addEventListener("hashchange", function () {
    render();
    if (document.activeElement !== query) { view.focus({ preventScroll: true }); }
  });
  window.addEventListener("resize", function () {
    var graph = view.querySelector(".graph"), here = route();
    if (graph && at.has(here.key)) { graph.replaceWith(ancestry(at.get(here.key))); }
  });
  render();
})();
