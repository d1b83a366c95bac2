package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// groups are the headings of flags, in order of appearance.
var groups = []struct{ key, title string }{
	{"", ""},
	{"all", ""}, // those that every command has
	{"sign-in", "Sign-in by JWT, TLS (cookie, ACME, rights from an app and more: docs/operations.md)"},
	{"sessions", "Sessions"},
	{"limits", "Limits told to clients"},
	{"history", "Editing and history"},
	{"audit", "For auditors (each of these shows an audit)"},
}

// printHelp prints the help of the program or of one command: a screen at most.
func printHelp(_ kong.HelpOptions, ctx *kong.Context) error {
	var b strings.Builder
	node := ctx.Selected()
	if node == nil {
		appHelp(&b, ctx.Model)
	} else {
		commandHelp(&b, node)
	}
	_, err := io.WriteString(ctx.Stdout, b.String())
	return err
}

func appHelp(b *strings.Builder, app *kong.Application) {
	fmt.Fprintf(b, "%s\n\nUsage: %s <command> [flags]\n\n", app.Help, app.Name)
	var rows [][2]string
	for _, c := range app.Leaves(true) {
		rows = append(rows, [2]string{c.Name, c.Help})
	}
	columns(b, rows, 0)
	b.WriteString("\n")
	writeFlags(b, app.Node, 0)
	fmt.Fprintf(b, "\nTry:  dashwire serve      then open http://localhost:3000 in two windows\n")
	fmt.Fprintf(b, "More: dashwire <command> --help\n")
}

func commandHelp(b *strings.Builder, c *kong.Node) {
	fmt.Fprintf(b, "Usage: %s%s [flags]\n\n", c.FullPath(), positionals(c))
	what, example, _ := strings.Cut(c.Detail, "\n\n")
	fmt.Fprintf(b, "%s\n\n", what)
	var rows [][2]string
	for _, p := range c.Positional {
		rows = append(rows, [2]string{strings.ToUpper(p.Name), p.Help})
	}
	width := 0
	for _, r := range append(rows, flagRows(c, "*")...) {
		width = max(width, len(r[0]))
	}
	columns(b, rows, width)
	writeFlags(b, c, width)
	fmt.Fprintf(b, "\nExample: %s\n", strings.TrimSpace(example))
}

func positionals(c *kong.Node) string {
	var s strings.Builder
	for _, p := range c.Positional {
		name := strings.ToUpper(p.Name)
		if p.IsCumulative() {
			name += "…"
		}
		if !p.Required {
			name = "[" + name + "]"
		}
		s.WriteString(" " + name)
	}
	return s.String()
}

// writeFlags prints the flags of a node and of those above it, by group.
func writeFlags(b *strings.Builder, n *kong.Node, width int) {
	for _, g := range groups {
		rows := flagRows(n, g.key)
		if len(rows) == 0 {
			continue
		}
		if g.title != "" && n.Parent != nil {
			fmt.Fprintf(b, "%s\n", g.title)
		}
		columns(b, rows, width)
	}
}

// flagRows are the flags of one group, "*" = of all.
func flagRows(n *kong.Node, group string) [][2]string {
	var rows [][2]string
	for _, level := range n.AllFlags(true) {
		for _, f := range level {
			key := ""
			if f.Group != nil {
				key = f.Group.Key
			}
			if f.Name == "help" {
				key = "all"
			}
			if n.Parent != nil && (f.Name == "version" || f.Name == "help") {
				continue
			}
			if key == group || group == "*" {
				help := f.Help
				if f.Name == "help" {
					help = "show help, also of one command"
				}
				rows = append(rows, [2]string{flagName(f), help})
			}
		}
	}
	return rows
}

// flagName is a flag with its default, or with what stands for its value.
func flagName(f *kong.Flag) string {
	name := "--" + f.Name
	switch {
	case f.Tag.Negatable != "":
		return "--[no-]" + f.Name
	case f.IsBool():
	case f.Default != "":
		name += "=" + f.Default
	case f.PlaceHolder != "":
		name += "=" + f.PlaceHolder
	default:
		name += "=" + strings.ToUpper(f.Name)
	}
	if f.Short != 0 {
		name = "-" + string(f.Short) + ", " + name
	}
	return name
}

// columns prints two columns, the first at least so wide.
func columns(b *strings.Builder, rows [][2]string, width int) {
	for _, r := range rows {
		width = max(width, len(r[0]))
	}
	for _, r := range rows {
		fmt.Fprintf(b, "  %-*s  %s\n", width, r[0], r[1])
	}
}
