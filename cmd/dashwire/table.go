package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/dashwire/dashwire/internal/words"
)

// table prints aligned columns. A column whose heading begins with > is aligned to
// the right.
type table struct {
	heads []string
	rows  [][]string
}

// add adds a row; what a terminal would act on is taken out of it.
func (t *table) add(cells ...string) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = words.Printable(c)
	}
	t.rows = append(t.rows, row)
}

// print prints the headings and the rows.
func (t *table) print(w io.Writer) {
	heads := make([]string, len(t.heads))
	for i, h := range t.heads {
		heads[i] = strings.TrimPrefix(h, ">")
	}
	t.write(w, append([][]string{heads}, t.rows...))
}

// rowsOnly prints the rows.
func (t *table) rowsOnly(w io.Writer) { t.write(w, t.rows) }

func (t *table) write(w io.Writer, rows [][]string) {
	widths := make([]int, len(t.heads))
	for i := range t.heads {
		for _, r := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(r[i]))
		}
	}
	for _, r := range rows {
		var b strings.Builder
		for i, c := range r {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c))
			if strings.HasPrefix(t.heads[i], ">") {
				b.WriteString(space + c)
			} else {
				b.WriteString(c + space)
			}
			b.WriteString("  ")
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}
