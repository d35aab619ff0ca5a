/* Draws the plots and follows: the server says which parts of the page changed. */
"use strict";
(function () {
	const plots = {};
	const AGAIN_MS = 5000;
	const SILENT_MS = 25000; /* the server says something every 15 s */

	function colour(name) {
		return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
	}

	/* The library's own legend writes styles into the page, which its policy refuses. */
	Dygraph.PLUGINS = Dygraph.PLUGINS.filter((one) => one !== Dygraph.Plugins.Legend);

	function number(y) {
		return y.toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 });
	}

	/* What the pointer is at. */
	function readOut(id) {
		const place = document.getElementById(id + "-at");
		return {
			highlightCallback: (event, x, points) => {
				place.textContent = number(x) + " s: " +
					points.map((one) => one.name + " " + number(one.yval)).join(", ");
			},
			unhighlightCallback: () => { place.textContent = ""; },
		};
	}

	function options(id, labels, colours) {
		return {
			labels, colors: colours, strokeWidth: 2, ...readOut(id),
			axisLineColor: colour("--line"), gridLineColor: colour("--line"), axisLabelFontSize: 12,
			includeZero: true, highlightCircleSize: 4, rightGap: 12, yRangePad: 4, xRangePad: 2,
			axes: { x: { axisLabelFormatter: (x) => number(x) + " s" }, y: { axisLabelWidth: 64,
				axisLabelFormatter: (y) => number(y) } },
		};
	}

	function draw(id, rows, labels, colours) {
		const place = document.getElementById(id);
		if (plots[id]) {
			plots[id].updateOptions({ file: rows });
		} else {
			plots[id] = new Dygraph(place, rows, options(id, labels, colours));
		}
		const last = rows[rows.length - 1];
		const title = document.querySelector("#" + id + "-title .first").textContent;
		place.setAttribute("aria-label", title + ": " + labels.slice(1).map((label, i) =>
			label + " " + number(last[i + 1])).join(", "));
		place.removeAttribute("aria-labelledby");
	}

	function drawAll() {
		const place = document.getElementById("series");
		const box = document.querySelector(".canvases");
		const series = place ? JSON.parse(place.dataset.series) : [];
		box.classList.toggle("drawn", series.length > 1);
		if (series.length < 2) {
			return;
		}
		const words = [...document.querySelectorAll("#figures thead th")].map((th) => th.textContent);
		draw("speed", series.map((s) => [s[0], s[1]]), ["s", words[2]], [colour("--busy")]);
		draw("memory", series.map((s) => [s[0], s[2], s[3]]), ["s", words[3], words[4]],
			[colour("--busy"), colour("--limit")]);
	}

	function drawAfresh() {
		for (const id of Object.keys(plots)) {
			plots[id].destroy();
			delete plots[id];
		}
		drawAll();
	}

	/* What is open stays open, and who stands on something goes on standing there. */
	function replace(id, html) {
		const place = document.getElementById(id);
		if (!place || place.dataset.live === undefined) {
			return;
		}
		const open = [...place.querySelectorAll("details[open]")].map((one) => one.id);
		const focused = place.contains(document.activeElement) ? document.activeElement : null;
		const summary = focused && focused.tagName === "SUMMARY" ? focused.parentElement.id : "";
		const left = [...place.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
		place.innerHTML = html;
		open.map((one) => document.getElementById(one)).filter((one) => one)
			.forEach((one) => { one.open = true; });
		place.querySelectorAll(".scroll").forEach((one, i) => { one.scrollLeft = left[i] || 0; });
		const again = summary ? document.querySelector("#" + summary + " summary")
			: focused && focused.id ? document.getElementById(focused.id) : null;
		if (again) {
			again.focus({ preventScroll: true });
		}
		if (id === "plots") {
			drawAll();
		}
	}

	/* A browser connects again by itself once a connection breaks; not after another answer than the
	 * stream, as of a proxy while the server is started again, and not when one dies without a word. */
	function follow() {
		const link = document.getElementById("link");
		const stream = new EventSource("/events?lang=" + document.documentElement.lang +
			"&year=" + document.body.dataset.year);
		let silence;
		function lost(wait) {
			link.textContent = link.dataset.lostWord;
			link.className = "";
			if (wait !== undefined) {
				clearTimeout(silence);
				stream.close();
				setTimeout(follow, wait);
			}
		}
		function heard() {
			clearTimeout(silence);
			silence = setTimeout(lost, SILENT_MS, 0);
		}
		stream.addEventListener("open", () => {
			link.textContent = link.dataset.liveWord;
			link.className = "on";
			heard();
		});
		stream.addEventListener("error", () => {
			lost(stream.readyState === EventSource.CLOSED ? AGAIN_MS : undefined);
		});
		stream.addEventListener("alive", heard);
		stream.addEventListener("section", (event) => {
			const told = JSON.parse(event.data);
			replace(told.id, told.html);
			heard();
		});
		heard();
	}

	drawAll();
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAfresh);
	if (document.body.dataset.file === undefined) {
		follow();
	}
}());
