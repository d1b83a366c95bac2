package main

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// harmless is a handler whose lines stay lines, whatever was sent to the server: nothing
// in a value breaks a line, moves a terminal or turns the direction of text, in any
// format. What looks like credentials is left out, should a library put it into an error.
type harmless struct {
	to slog.Handler
	// quoted tells that to puts values with spaces in double quotes: those within are then
	// single ones, for a person reads 'ops' more easily than \"ops\".
	quoted bool
}

// Enabled implements slog.Handler.
func (h harmless) Enabled(ctx context.Context, l slog.Level) bool { return h.to.Enabled(ctx, l) }

// Handle implements slog.Handler.
func (h harmless) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, h.plain(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(h.plainAttr(a))
		return true
	})
	return h.to.Handle(ctx, out)
}

// WithAttrs implements slog.Handler.
func (h harmless) WithAttrs(attrs []slog.Attr) slog.Handler {
	own := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		own[i] = h.plainAttr(a)
	}
	return harmless{h.to.WithAttrs(own), h.quoted}
}

// WithGroup implements slog.Handler.
func (h harmless) WithGroup(name string) slog.Handler {
	return harmless{h.to.WithGroup(plain(name)), h.quoted}
}

func (h harmless) plainAttr(a slog.Attr) slog.Attr {
	a.Key = plain(a.Key)
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		v = slog.StringValue(h.plain(v.String()))
	case slog.KindGroup:
		var group []slog.Attr
		for _, m := range v.Group() {
			group = append(group, h.plainAttr(m))
		}
		v = slog.GroupValue(group...)
	case slog.KindAny:
		v = slog.StringValue(h.plain(fmt.Sprint(v.Any())))
	}
	a.Value = v
	return a
}

func (h harmless) plain(s string) string {
	s = plain(s)
	if h.quoted {
		s = strings.ReplaceAll(s, `"`, "'")
	}
	return s
}

// credentials are texts that sign somebody in: bearer tokens, JWTs, tokens in a URL.
var credentials = regexp.MustCompile(
	`(?i)(bearer[ .]+|[?&](?:token|access_token)=)[^\s"'&,;]+|\beyJ[\w-]{4,}\.[\w-]*\.?[\w-]*`)

// plain is text without what is not to be shown, and with the rest of it escaped.
func plain(s string) string {
	if strings.IndexFunc(s, strange) < 0 && utf8.ValidString(s) && !credentials.MatchString(s) && !strings.Contains(s, escaped) {
		return s
	}
	s = credentials.ReplaceAllString(s, "${1}…")
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case strange(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return strings.ReplaceAll(b.String(), escaped, `\u001b`)
}

// escaped is what the handler for terminals takes for an escape character, even where
// somebody has sent these four letters.
const escaped = `\x1b`

// strange reports whether a character is not simply seen: control characters, line and
// paragraph separators, marks of direction and others without a shape.
func strange(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs)
}
