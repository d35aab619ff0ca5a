#include "cmd/html.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void html_raw(struct html *html, const char *markup)
{
	html->failed = html->failed || !buf_add_text(&html->buf, markup, &html->error);
}

static const char *entity_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return (unsigned char)c < ' ' || c == 0x7f ? " " : NULL;
	}
}

void html_text(struct html *html, const char *text)
{
	while (*text != '\0' && !html->failed) {
		size_t plain = 0;
		while (text[plain] != '\0' && entity_of(text[plain]) == NULL)
			plain++;
		html->failed = !buf_add(&html->buf, text, plain, &html->error);
		text += plain;
		if (*text != '\0')
			html_raw(html, entity_of(*text++));
	}
}

void html_print(struct html *html, const char *format, ...)
{
	char text[1024];
	va_list values;
	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	html_raw(html, text);
}

void html_number(struct html *html, uint64_t number)
{
	char digits[24];
	int size = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
	for (int i = 0; i < size; i++) {
		if (i > 0 && (size - i) % 3 == 0)
			html_raw(html, html->french ? "\u202f" : ",");
		html_print(html, "%c", digits[i]);
	}
}

void html_decimal(struct html *html, double number, int decimals)
{
	char text[64];
	snprintf(text, sizeof(text), "%.*f", decimals, number);
	char *point = strchr(text, '.');
	if (point != NULL && html->french)
		*point = ',';
	html_raw(html, text);
}

void html_colon(struct html *html)
{
	html_raw(html, html->french ? "\u00a0: " : ": ");
}

void html_megabytes(struct html *html, uint64_t bytes)
{
	html_decimal(html, (double)bytes / 1e6, bytes < 100000000 ? 1 : 0);
	html_raw(html, html->french ? "\u00a0Mo" : "\u00a0MB");
}

void html_time(struct html *html, const char *at)
{
	if (strlen(at) < 19) {
		html_raw(html, "–");
		return;
	}
	char shown[24];
	snprintf(shown, sizeof(shown), "%.10s %.8s", at, at + 11);
	html_raw(html, "<time datetime=\"");
	html_text(html, at);
	html_raw(html, "\">");
	html_text(html, shown);
	html_raw(html, " UTC</time>");
}
