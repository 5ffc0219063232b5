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
  var drawnIn = null; // made when a figure is first asked for

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

  // A word of the registry is an entry too, and no number.
  function isNumber(i) { return phrase("unit", i) !== "text"; }
  function unitOf(i) { return isNumber(i) ? phrase("unit", i) : ""; }

  // "25.0 months" is searched as 25.0 too.
  function bare(i) {
    var text = phrase("text", i), unit = phrase("unit", i);
    if (unit === "percent") { return text.replace(/%$/, ""); }
    return unit && text.endsWith(" " + unit) ? text.slice(0, -unit.length - 1) : text;
  }

  // Places in a sentence before cells of tables; [section, place, sentence, line of the source, rule].
  function bestPlace(i) {
    var places = placesOf(i).map(function (place) {
      return place.map(function (p) { return told.phrases[p]; });
    });
    return places.filter(inSentence)[0] || places[0] || null;
  }

  function inSentence(place) { return !/^(tbl-|fig-|figure )/.test(place[1]); }

  // The label of the figure that draws a number, of a place's own words; empty for any other place.
  function figureOf(words) { return (/^figure (fig-[\w-]+)$/.exec(words) || ["", ""])[1]; }

  // Label of a figure -> caption, and the numbers that it draws.
  function figures() {
    if (drawnIn === null) {
      drawnIn = new Map();
      keys.forEach(function (_, i) {
        placesOf(i).forEach(function (place) {
          var name = figureOf(told.phrases[place[1]]);
          if (!name) { return; }
          if (!drawnIn.has(name)) { drawnIn.set(name, { caption: told.phrases[place[2]], numbers: new Set() }); }
          drawnIn.get(name).numbers.add(i);
        });
      });
    }
    return drawnIn;
  }

  function isDrawn(i, name) { return figures().has(name) && figures().get(name).numbers.has(i); }

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
    var tone = told.verdicts[verdict][1];
    return make("span.badge.verdict" + (tone ? "." + tone : ""), {}, verdictWords(verdict));
  }

  function verdictWords(verdict) { return told.verdicts[verdict][0]; }
  function checkWords(check) { return told.checks[check]; }

  // With the question that it answers: "printed" alone would read as printed in the manuscript.
  function supportBadge(i) {
    var support = phrase("support", i);
    return support && kind(i) === "computed"
      ? make("span.badge" + (support === "filler" ? ".warm" : ""), { title: told.summary.supports[support] }, "support: " + support)
      : null;
  }

  // heads: [name, class, its name on a phone], where each row is a block.
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
    var left = make("p.on-paper");
    function add() {
      var part = table(heads, items.slice(shown, shown + STEP).map(cells));
      body.append.apply(body, Array.prototype.slice.call(part.querySelector("tbody").children));
      shown = Math.min(items.length, shown + STEP);
      more.textContent = "Show more (" + grouped(items.length - shown) + " left)";
      more.hidden = left.hidden = shown === items.length;
      left.textContent = "The first " + grouped(shown) + " of " + grouped(items.length) + " stand here.";
    }
    more.addEventListener("click", function () { add(); keep(); });
    do { add(); } while (before && shown < Math.min(before.shown, items.length));
    more.shown = function () { return shown; };
    return [made, left, more];
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

  // filters: [name, label, values, words of a value]; the choice is said again where it is printed.
  function chosen(parameters, filters) {
    var said = parameters.get("q") ? ["search: " + parameters.get("q")] : [];
    var selects = filters.map(function (filter) {
      var words = filter[3] || function (value) { return value.replace(/_/g, " "); };
      var value = parameters.get(filter[0]) || "";
      if (value) { said.push(filter[1] + ": " + words(value)); }
      return selected(filter[0], filter[1], filter[2], words, value);
    });
    return [make("div.filters", {}, selects),
      said.length ? make("p.on-paper.chosen", {}, "Shown: " + said.join("; ") + ".") : null];
  }

  function selected(name, label, values, words, value) {
    var select = make("select", { name: name },
      make("option", { value: "" }, "all"),
      values.map(function (one) { return make("option", { value: one }, words(one)); }));
    select.value = value;
    select.addEventListener("change", function () { refine(name, select.value); });
    return make("label", {}, label, select);
  }

  function found(shown, all, one, many) {
    return make("p.quiet", { id: "found" }, count(shown, one, many) + " of " + grouped(all));
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

  // How well a number answers a search, least first: by its key, then by its text, and of those that
  // answer alike one in a sentence before one in a table, and one that is printed before others.
  function rank(i, wanted) {
    var key = keys[i].toLowerCase(), place = bestPlace(i);
    var where = place === null ? 2 : inSentence(place) ? 0 : 1;
    if (key === wanted) { return 0; }
    if (bare(i).toLowerCase() === wanted || phrase("text", i).toLowerCase() === wanted) { return 1 + where; }
    return (key.indexOf(wanted) === 0 ? 4 : key.indexOf(wanted) > 0 ? 7 : 10) + where;
  }

  function ranked(found, wanted) {
    return found.map(function (i) { return [rank(i, wanted), i]; })
      .sort(function (a, b) { return a[0] - b[0] || a[1] - b[1]; })
      .map(function (pair) { return pair[1]; });
  }

  function numbers(parameters) {
    var words = wordsOf(parameters), texts = haystack();
    var all = keys.map(function (_, i) { return i; }), shown = all.filter(function (i) {
      return matches(texts[i], words)
        && (!parameters.get("form") || isNumber(i) === (parameters.get("form") === "number"))
        && (!parameters.get("kind") || kind(i) === parameters.get("kind"))
        && (!parameters.get("check") || phrase("status", i) === parameters.get("check"))
        && (!parameters.get("rule") || phrase("rule", i) === parameters.get("rule"))
        && (!parameters.get("support") || phrase("support", i) === parameters.get("support"))
        && (!parameters.get("printed") || (placesOf(i).length > 0) === (parameters.get("printed") === "yes"))
        && (!parameters.get("figure") || isDrawn(i, parameters.get("figure")))
        && (!parameters.get("setting") || dependsOn(i, parameters.get("setting")));
    });
    if (words.length) { shown = ranked(shown, words.join(" ")); }
    var setting = parameters.get("setting"), figure = parameters.get("figure");
    show(count(shown.length, "entry", "entries"),
      make("h1", {}, figure ? "Numbers of a figure" : "Numbers"),
      chosen(parameters, [
        ["form", "Form", ["number", "words"]],
        ["kind", "Kind", KINDS],
        ["check", "Cross-check", Object.keys(told.summary.meanings)],
        ["rule", "Rule", distinct(all.map(function (i) { return phrase("rule", i); }))],
        ["support", "Support", Object.keys(told.summary.supports)],
        ["printed", "In the text", ["yes", "no"]],
        ["figure", "Figure", distinct(Array.from(figures().keys()).concat(figure)), figureWords]]),
      figure ? drawnBy(figure) : null,
      setting ? make("p", {}, "Decided by ", make("code", {}, setting), " · ",
        make("a", { href: "#/numbers" }, "all numbers")) : null,
      found(shown.length, keys.length, "entry", "entries"),
      longTable([["Key", "name"], ["As printed", "printed"], ["Unit", "", "unit"], ["Source", "small"], ["Check"]], shown, function (i) {
        return [[link(i), whereSaid(i)], printed(i), unitOf(i),
          phrase("source", i), [badge(phrase("status", i)), " ", supportBadge(i)]];
      }));
  }

  // A text as a list has room for it: the number's own page shows all of it.
  function printed(i) {
    var text = phrase("text", i);
    return isNumber(i) && text.length <= 40 ? text : make("div.words", { title: text }, text);
  }

  function figureWords(name) { return name.replace(/^fig-/, "").replace(/-/g, " "); }

  function drawnBy(name) {
    var figure = figures().get(name), all = make("a", { href: "#/numbers" }, "all numbers");
    var there = { href: told.manuscript + "#" + name };
    return figure
      ? make("p", {}, "Drawn in ", make("a", there, figure.caption), " Each is listed once. · ", all)
      : make("p", {}, make("a", there, "This figure"),
        " draws no number of the registry; the ticks of an axis are none. · ", all);
  }

  // The sentence that prints a number, or the table's cell.
  function whereSaid(i) {
    var place = bestPlace(i);
    if (place === null) { return null; }
    return make("div.said", {}, inSentence(place) ? sentence(place[2], phrase("text", i)) : place[1]);
  }

  // Of what was transcribed the figures, not what says where they stand.
  function published(parameters) {
    var words = wordsOf(parameters), texts = haystack();
    var all = keys.map(function (_, i) { return i; })
      .filter(function (i) { return kind(i) === "transcribed" && isNumber(i); });
    var shown = all.filter(function (i) {
      return matches(texts[i], words)
        && (!parameters.get("study") || study(i) === parameters.get("study"));
    });
    if (words.length) { shown = ranked(shown, words.join(" ")); }
    show("Published figures",
      make("h1", {}, "Published figures"),
      make("p.quiet", {}, "Transcribed from the papers, each with its place there and its line in our tables."),
      chosen(parameters, [["study", "Study", distinct(all.map(study)), studyWords]]),
      found(shown.length, all.length, "figure"),
      longTable([["Figure"], ["As printed", "printed"], ["Unit", "", "unit"], ["Place in the paper", "", "in"], ["Line", "small", "line"], ["Checks", "", "checks:"]], shown, function (i) {
        var taken = (findingsOf.get(keys[i]) || []).length;
        return [link(i), phrase("text", i), unitOf(i),
          phrase("locator", i), make("code", {}, phrase("place", i)), taken ? String(taken) : ""];
      }));
  }

  function study(i) { return keys[i].split(".")[0] === "published" ? keys[i].split(".")[1] : ""; }

  function studyWords(name) {
    var label = at.get("published." + name + ".label");
    return label === undefined ? name : phrase("text", label);
  }

  function consistency(parameters) {
    var words = wordsOf(parameters);
    var shown = told.findings.filter(function (finding) {
      var verdict = told.phrases[finding[2]], check = told.phrases[finding[1]];
      return (!parameters.get("verdict") || verdict === parameters.get("verdict"))
        && (!parameters.get("check") || check === parameters.get("check"))
        && matches([finding[0], told.phrases[finding[3]], told.phrases[finding[5]], checkWords(check),
          verdictWords(verdict)].join(" ").toLowerCase(), words);
    });
    // In the order in which they are told, not by the alphabet.
    var there = function (names, place) {
      return names.filter(function (name) {
        return told.findings.some(function (finding) { return told.phrases[finding[place]] === name; });
      });
    };
    show("Consistency findings",
      make("h1", {}, "Consistency of the published figures"),
      make("p.quiet", {}, "What the papers print, held against what else they print and against arithmetic. What cannot hold stands first."),
      chosen(parameters, [
        ["verdict", "Verdict", there(Object.keys(told.verdicts), 2), verdictWords],
        ["check", "Check", there(Object.keys(told.checks), 1), checkWords]]),
      found(shown.length, told.findings.length, "finding"),
      longTable(FINDING_HEADS, shown, findingCells));
  }

  var FINDING_HEADS = [["Verdict"], ["Check", "", "check:"], ["Printed", "printed", "printed:"],
    ["Recomputed", "", "recomputed:"], ["Arithmetic"], ["Figures", "small"]];

  function findingCells(finding) {
    return [verdictBadge(told.phrases[finding[2]]), checkWords(told.phrases[finding[1]]),
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

  function tile(number, text, href, tone) {
    return make("li" + (tone === "bad" ? ".bad" : ""), {}, make(href ? "a" : "div", href ? { href: href } : {},
      make("strong", {}, grouped(number)), text));
  }

  function grouped(number) { return Number(number).toLocaleString("en"); }

  function home() {
    var summary = told.summary, failed = summary.disagreeing.length;
    var checked = Object.values(summary.checks).reduce(function (a, b) { return a + b; }, 0);
    show("Overview",
      make("h1", {}, told.title),
      make("p.task", {}, "Search a number as it is printed",
        summary.example ? [", for instance ", make("a", { href: "#/numbers?q=" + encodeURIComponent(summary.example) }, summary.example)] : null,
        ", or open one from ", make("a", { href: told.manuscript }, "the manuscript"), "."),
      make("p", {}, "Its page says what it is, which rows, rule, code and settings made it, whether a second engine agrees, and where it is printed."),
      make("h2", {}, "Numbers in the registry"),
      make("ul.tiles", {}, KINDS.map(function (name) {
        return tile(summary.kinds[name], name, "#/numbers?form=number&kind=" + name);
      }), tile(summary.texts, "words that data or settings decide", "#/numbers?form=words")),
      make("h2", {}, "Cross-checks"),
      make("p", {}, "Of " + count(checked, "computed entry", "computed entries") + ", words included:"),
      make("ul.tiles", {}, Object.keys(summary.checks).map(function (status) {
        return tile(summary.checks[status], status.replace("_", " ") + ": " + summary.meanings[status],
          "#/numbers?check=" + status);
      })),
      failed ? [make("p", {}, make("span.badge.bad", {}, "disagree"), " " + count(failed, "number") + ": ",
        apart(summary.disagreeing.slice(0, 20), keyLink))] : null,
      onThePage(), checkedFigures());
  }

  function onThePage() {
    var summary = told.summary, coverage = summary.coverage, printed = Object.keys(told.places).length;
    if (coverage.printed === undefined) { return null; }
    var aside = Object.values(coverage.set_aside || {}).reduce(function (a, b) { return a + b; }, 0);
    return [make("h2", {}, "Numbers on the page"),
      make("p", {}, make("a", { href: "#/numbers?printed=yes" }, count(printed, "different entry", "different entries")),
        " of the registry are printed or drawn, " + count(summary.places, "time") + " in all. Some hold several numbers, as an interval does: the page shows "
        + count(coverage.printed, "number") + "."),
      make("ul.tiles", {},
        KINDS.map(function (name) { return tile(coverage[name], name); }),
        tile(aside, "set aside by a rule", "#/run"),
        tile((coverage.unaccounted || []).length, "unaccounted"))];
  }

  function checkedFigures() {
    var verdicts = told.summary.verdicts;
    return [make("h2", {}, "Published figures, checked"),
      make("ul.tiles", {}, Object.keys(verdicts).map(function (verdict) {
        return tile(verdicts[verdict], verdictWords(verdict), "#/consistency?verdict=" + verdict, told.verdicts[verdict][1]);
      }))];
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
          var page = pages[name], said = page.equal ? "equal" : "not equal";
          return [name.toUpperCase(), page.equal === null
            ? "not compared: " + page.reason
            : count(page.tokens, "number") + ", " + said];
        }))]);
  }

  function versions(stage) {
    var used = (told.environment.stages || {})[stage] || {};
    return Object.keys(used).map(function (name) { return name + " " + used[name]; }).join(", ");
  }

  function hash(text) { return make("span.hash", {}, text || ""); }

  // --- a number's page --------------------------------------------------------------------------

  function number(i) {
    var text = phrase("text", i), unit = phrase("beside", i);
    show(keys[i],
      make("h1.key", {}, keys[i]),
      make("div.headline", {},
        make("span.text" + (text.length > 24 ? ".long" : ""), {}, text),
        unit ? make("span.quiet", {}, unit) : null,
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
      printedAt(i), claimsOf(i), rowsSection(i), madeBy(i), settingsOf(i), checksOf(i));
    query.value = "";
  }

  // Places of a number and of its companions, each once: the key of its mark, and who else is there.
  // Where the number itself does not stand its stated form is it, before a limit of its interval.
  function standing(i) {
    var head = told.columns.of[i] >= 0 ? told.columns.of[i] : i, stated = at.get(keys[head] + ".stated");
    var family = [head].concat(stated === undefined ? [] : stated, companions.get(head) || [])
      .filter(function (j, n, all) { return j !== i && all.indexOf(j) === n; });
    var found = new Map();
    [i].concat(family).forEach(function (j) {
      placesOf(j).forEach(function (place, n) {
        var name = place.join(",");
        if (!found.has(name)) { found.set(name, { own: j, n: n, place: place, others: [] }); }
        if (j !== i) { found.get(name).others.push(j); }
      });
    });
    return Array.from(found.values());
  }

  function printedAt(i) {
    var places = standing(i);
    if (!places.length) {
      return [make("h2", { id: "places" }, "In the text"), make("p.quiet", {}, "Not printed in the manuscript.")];
    }
    return [make("h2", { id: "places" }, "In the text (" + places.length + ")"),
      make("ul.places", {}, places.map(function (at) {
        var words = at.place.map(function (p) { return told.phrases[p]; });
        // A figure's numbers have no marks of their own on the page.
        var figure = figureOf(words[1]);
        var mark = figure || "number=" + encodeURIComponent(keys[at.own]) + "," + (at.n + 1);
        return make("li", {}, sentence(words[2], phrase("text", at.own)),
          make("div.small.quiet", {},
            make("a", { href: told.manuscript + "#" + mark }, words[1] || words[0]),
            words[0] && words[1].indexOf(words[0]) < 0 ? " · " + words[0] : "",
            words[3] ? [" · ", make("code", {}, words[3])] : null,
            figure ? [" · ", make("a", { href: "#/numbers?figure=" + figure }, "all numbers of this figure")] : null,
            at.others.length ? [" · ", apart(at.others, function (j) { return link(j); })] : null));
      }))];
  }

  // What the text says only because of this number, and on which condition.
  function claimsOf(i) {
    var claims = told.claims[keys[i]] || [];
    if (!claims.length) { return null; }
    return [make("h2", { id: "claims" }, "Claims that it decides (" + claims.length + ")"),
      make("ul.places", {}, claims.map(function (claim) {
        var words = claim.map(function (p) { return told.phrases[p]; });
        return make("li", {}, sentence(words[1], words[3]),
          make("div.small.quiet", {}, "when ", make("code", {}, words[4]), " · " + words[0],
            words[2] ? [" · ", make("code", {}, words[2])] : null));
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
      var said = kind(i) === "configured" ? "Set in " : "Transcribed in ";
      return listed("inputs", i).length ? [make("h2", { id: "rows" }, "Files"),
        line ? make("p.quiet", {}, said, make("code", {}, line), ".") : null,
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
      make("p.small.quiet", {}, ROWS_SAID),
      make("div.scroll", {}, table([["Table or file"], ["Kind"], ["Rows", "number", "rows:"], ["Which", "", "lines"], ["SHA-256", "", ""]], body)),
      make("p.small.quiet", {}, "All of them: ", make("code", {}, "sarcoma-sbrt trace " + keys[i] + " --rows"))];
  }

  var ROWS_SAID = "Units are what was counted: rows of an endpoint's table or of a canonical one. Canonical "
    + "rows are those read for them, in the tables made of the raw files; both are counted from 0. Raw lines "
    + "are lines of the files, counted from 1. A set's name is the beginning of a hash of all these: numbers of "
    + "one set rest on the same rows.";

  function filesTable(files) {
    return make("div.scroll", {}, table([["File"], ["SHA-256"]], files.map(function (file) {
      return [make("code", {}, file[0]), hash(file[1])];
    })));
  }

  function madeBy(i) {
    var stage = phrase("stage", i), rule = phrase("rule", i), shared = told.registration;
    if (!rule && !shared.rule) { return null; }
    return [make("h2", { id: "code" }, "Made by"),
      rule ? facts([["Rule", make("a", { href: "#/numbers?rule=" + rule }, rule)],
        ["Columns", listed("uses", i).join(", ")],
        ["Libraries", versions(stage)]]) : null,
      rule ? codeOf(told.code[stage], rule, "") : null,
      shared.rule ? codeOf(told.code[shared.code], shared.rule, ", which words, rounds and registers every number") : null,
      printingRules(i).map(function (name) {
        return codeOf(told.printing[name], name, ", which " + PRINTING[name]);
      })];
  }

  // What the rules between the registry and the page do, in their order.
  var PRINTING = { tables: "lays out the tables", figures: "draws the figures",
    assemble: "puts the manuscript together", render: "renders it" };

  function codeOf(files, rule, does) {
    if (!files || !files.length) { return null; }
    return make("details", {}, make("summary", {},
      count(files.length, "script or module", "scripts and modules") + " of rule " + rule + does), filesTable(files));
  }

  // The rules that a number passes to the places where it and its companions stand.
  function printingRules(i) {
    var own = standing(i).map(ruleOf), shared = own.length ? ["assemble", "render"] : [];
    return Object.keys(PRINTING).filter(function (rule) {
      return told.printing[rule] && own.concat(shared).indexOf(rule) >= 0;
    });
  }

  function ruleOf(at) { return told.phrases[at.place[4]]; }

  function settingsOf(i) {
    var settings = listed("config", i);
    if (!settings.length) { return null; }
    return [make("h2", { id: "settings" }, kind(i) === "configured" ? "Setting" : "Settings that decide it"),
      make("ul", {}, settings.map(function (setting) {
        return make("li", {}, at.has("config." + setting) && "config." + setting !== keys[i]
          ? link(at.get("config." + setting), setting) : make("code", {}, setting), " ", setAt(setting),
          make("a.small", { href: "#/numbers?setting=" + encodeURIComponent(setting) }, "what else it decides"));
      }))];
  }

  // File and line; a block of settings, and what the command line gave, has none.
  function setAt(setting) {
    var place = at.has("config." + setting) ? phrase("place", at.get("config." + setting)) : "";
    return place ? [make("code.quiet", {}, place), " "] : null;
  }

  function checksOf(i) {
    var own = findingsOf.get(keys[i]) || [];
    if (!own.length) { return null; }
    return [make("h2", { id: "checks" }, "Consistency checks of this figure (" + own.length + ")"),
      longTable(FINDING_HEADS, own.map(function (n) { return told.findings[n]; }), findingCells)];
  }

  // --- the ancestry, drawn ----------------------------------------------------------------------

  var SVG = "http://www.w3.org/2000/svg";
  var BOX = { narrow: 146, width: 178, height: 46, gap: 12, between: 32, head: 20 };
  var PADDING = 64; // of the view and of the drawing, both sides

  // Layers from data to page; each node: lines of text, and the section that it leads to. Every line
  // leads to the next layer: settings and printed figures, which no table is made of, stand in the
  // last one before the rule. Settings stand above all others there, so that lines need not cross.
  function layersOf(i) {
    var set = rows(i), raw = filesOf(i), canonical = [], units = [];
    if (set) {
      canonical = nodesOf(set.canonical, "row", "rows");
      units = nodesOf(set.units, "row", "rows");
      units.filter(isEndpoint).forEach(function (one) { one.first = "endpoint " + one.first; });
    }
    var made = raw.filter(function (file) { return tablesOf(file, canonical).length; });
    var last = units.length ? units : canonical.length ? canonical : raw;
    if (last !== raw) {
      raw.filter(function (file) { return made.indexOf(file) < 0; }).forEach(function (file) {
        file.apart = true;
        last.push(file);
      });
      raw = made;
    }
    var settings = listed("config", i).length, endpoints = units.length > 0 && units.every(isEndpoint);
    var beside = function (name, nodes) {
      if (nodes !== last) { return name; }
      return settings && nodes.length === 1 ? "settings" : nodes.some(isApart) ? "inputs of the rule" : name;
    };
    // Of a setting the file is there already.
    if (settings && !(kind(i) === "configured" && raw.length)) {
      last.unshift(node("configuration", count(settings, "setting"), "settings", "configuration"));
      last[0].apart = true;
    }
    var paper = phrase("locator", i) ? [node(phrase("locator", i), "as printed", null, "paper")] : [];
    var own = node(phrase("text", i), keys[i], null, "own");
    own.own = true;
    return [
      ["paper", paper], [beside("data", raw), raw], [beside("canonical tables", canonical), canonical],
      [beside(endpoints ? "endpoint" : "units", units), units], ["rule", makingOf(i)], ["number", [own]],
      ["text", printedNodes(i)],
    ].filter(function (layer) { return layer[1].length; });
  }

  function isEndpoint(one) { return one.id.indexOf("endpoints/") === 0; }

  function isApart(one) { return one.apart; }

  // The text, and by whom a number comes into it where it is not its author.
  function printedNodes(i) {
    var places = standing(i), names = { tables: "tables", figures: "figures", assemble: "manuscript" };
    return Object.keys(names).map(function (rule) {
      var own = places.filter(function (place) { return ruleOf(place) === rule; });
      return own.length ? node(names[rule], count(own.length, "place"), "places", rule) : null;
    }).filter(Boolean);
  }

  function filesOf(i) {
    if (rows(i)) { return nodesOf(rows(i).raw, "line", "rows"); }
    var place = phrase("place", i).split(":"), line = place[1];
    if (line && !listed("inputs", i).length) { return [node(place[0], "line " + line, "settings")]; }
    return listed("inputs", i).map(function (file) {
      return node(file[0].split("/").pop(), line ? "line " + line : "file", "rows", file[0]);
    });
  }

  function tablesOf(file, tables) {
    return tables.filter(function (table) { return told.tables[table.id] === file.id.split("#")[0]; });
  }

  function makingOf(i) {
    var making = [], own = null;
    if (phrase("rule", i)) {
      var modules = (told.code[phrase("stage", i)] || []).length;
      own = node("rule " + phrase("rule", i), modules ? count(modules, "file") + " of code" : "", "code", "rule");
      making.push(own);
    }
    if (told.registration.rule) {
      var shared = node("rule " + told.registration.rule, "words and rounds", "code", "registration");
      // Data lead to the rule that computes with them, where there is one, and that one to this.
      if (own) {
        own.next = shared;
        shared.apart = true;
      }
      making.push(shared);
    }
    if (phrase("status", i) && phrase("status", i) !== "none") {
      making.push(node(engineOf(i), "second engine", null, "second"));
    }
    return making;
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

  // A raw file leads to the tables read from it, a number's own rule to the one that registers it
  // below; everything else leads to all of the next layer.
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
    if (from.next) { return [from.next]; }
    var next = layers[n + 1][1].filter(function (to) { return !to.apart; });
    if (from.id === "configuration") { return next.slice(0, 1); }
    var own = tablesOf(from, next);
    return own.length ? own : next;
  }

  // Drawn where there is room; on a phone and on paper a list, which says of each what it is from.
  function ancestry(i) {
    var layers = layersOf(i), edges = edgesOf(layers);
    var wide = room() >= layers.length * (BOX.narrow + BOX.between) - BOX.between;
    return make("div.graph" + (wide ? ".wide" : ""), { tabindex: "0", role: "group", "aria-label": "Ancestry of " + keys[i] },
      wide ? drawn(layers, edges) : null, listedAncestry(layers, edges));
  }

  function room() { return view.clientWidth - PADDING; }

  function listedAncestry(layers, edges) {
    return make("ol.layers", {}, layers.map(function (layer) {
      return make("li", {}, make("p.layer", {}, layer[0]), layer[1].map(function (one) {
        var sources = edges.filter(function (edge) { return edge.to === one; })
          .map(function (edge) { return edge.from.first; });
        return leading(make("div.node" + (one.own ? ".own" : ""), { title: saidOf(one) },
          make("span.first", {}, one.first), make("span.more", {}, one.more),
          sources.length ? make("span.from", {}, "from: " + sources.join(", ")) : null), one);
      }));
    }));
  }

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
        if (edge.from.next === edge.to) {
          return "M" + (edge.from.x + each / 2) + "," + (edge.from.y + BOX.height) + " V" + edge.to.y;
        }
        var x = edge.from.x + each, y = edge.from.y + BOX.height / 2;
        var to = edge.to.y + BOX.height / 2, half = (edge.to.x - x) / 2;
        return "M" + x + "," + y + " C" + (x + half) + "," + y + " " + (edge.to.x - half) + "," + to + " " + edge.to.x + "," + to;
      },
    };
  }

  function drawn(layers, edges) {
    var plan = across(layers);
    var svg = shape("svg", { width: plan.width + 4, height: plan.height + 4, viewBox: "-2 -2 " + (plan.width + 4) + " " + (plan.height + 4), role: "group" });
    edges.forEach(function (edge) {
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
    title.textContent = saidOf(one);
    group.append(title, shape("rect", { width: width, height: BOX.height, rx: 4 }));
    [[one.first, 19, "first", 7.6], [one.more, 36, "more", 6.7]].forEach(function (line) {
      var text = shape("text", { x: 9, y: line[1], class: line[2] });
      text.textContent = cut(line[0], Math.floor((width - 16) / line[3]));
      group.append(text);
    });
    return leading(group, one);
  }

  function saidOf(one) {
    var named = ["own", "second", "paper"].indexOf(one.id) >= 0 ? one.first : one.id;
    return named + ", " + one.more;
  }

  // A node that leads to its section, by mouse and by keyboard.
  function leading(element, one) {
    if (!one.section) { return element; }
    element.setAttribute("role", "link");
    element.setAttribute("tabindex", "0");
    var go = function () {
      var section = document.getElementById(one.section);
      if (section) { section.scrollIntoView({ block: "start" }); }
    };
    element.addEventListener("click", go);
    element.addEventListener("keydown", function (event) { if (event.key === "Enter") { go(); } });
    return element;
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
    var alike = near(String(key));
    show("Nothing by this name",
      make("h1", {}, "Nothing by this name"),
      make("p", {}, make("code", {}, String(key)), " is no number of this run. ",
        make("a", { href: "#/numbers" }, "All numbers")),
      alike.length ? make("p.near", {}, "Near: ", apart(alike, function (i) { return link(i); })) : null);
  }

  // The keys most like a text, by the pairs of characters that they share; few, and none at all
  // where nothing is like it.
  function near(text) {
    var wanted = pairsOf(text);
    return keys.map(function (key, i) { return [likeness(wanted, pairsOf(key)), i]; })
      .filter(function (pair) { return pair[0] >= 0.6; })
      .sort(function (a, b) { return b[0] - a[0] || a[1] - b[1]; })
      .slice(0, 5).map(function (pair) { return pair[1]; });
  }

  function pairsOf(text) {
    var pairs = new Set();
    for (var i = 0; i + 1 < text.length; i += 1) { pairs.add(text.slice(i, i + 2).toLowerCase()); }
    return pairs;
  }

  function likeness(some, others) {
    var shared = 0;
    some.forEach(function (pair) { shared += others.has(pair) ? 1 : 0; });
    return 2 * shared / Math.max(1, some.size + others.size);
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
