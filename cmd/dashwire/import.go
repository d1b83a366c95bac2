package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"

	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/internal/words"
)

// importCmd brings dashboards in.
type importCmd struct {
	Files   []string `arg:"" name:"file" help:"files to read; - is standard input"`
	ID      string   `name:"id" placeholder:"ID" help:"the dashboard's id (default the file's own)"`
	Replace bool     `help:"put the file in the place of a dashboard that is there"`
	targetFlags
}

// Help implements kong.HelpProvider.
func (importCmd) Help() string {
	return `Brings dashboards in, from Dashwire's own export or from Grafana's JSON. Replacing one
is an edit like others: it stands in the history and can be undone. Without --id, one of
Grafana's whose id is taken gets a free one beside it.

dashwire import node-exporter-full.json --id nodes`
}

// imported is the answer to an import.
type imported struct {
	ID      string   `json:"id"`
	Version uint64   `json:"version"`
	Status  string   `json:"status"`
	Title   string   `json:"title"`
	Notes   []string `json:"notes"`
	Drawn   int      `json:"drawn"`
	Kept    int      `json:"kept"`
}

// Run implements the command. One file that is refused does not keep the others out.
func (c *importCmd) Run(p *program, cmd *kong.Context) (err error) {
	if c.ID != "" && len(c.Files) > 1 {
		return refuse("--id names one dashboard, and there are %d files: import them one by one", len(c.Files))
	}
	files := make([][]byte, len(c.Files))
	for i, name := range c.Files {
		if files[i], err = readInput(p.in, name); err != nil {
			return &notBegun{err}
		}
	}
	t, err := c.open(p.ctx, cmd, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	failed := 0
	for i, name := range c.Files {
		in, err := c.send(p.ctx, t, files[i])
		if err != nil {
			failed++
			fmt.Fprintf(p.err, "dashwire: %s: %s\n", name, err)
			continue
		}
		tellImport(p.out, filepath.Base(name), t.name, in)
	}
	if failed > 0 {
		return errSilent
	}
	return nil
}

func (c *importCmd) send(ctx context.Context, t *target, data []byte) (*imported, error) {
	query := url.Values{}
	if c.ID != "" {
		query.Set("id", c.ID)
	}
	if c.Replace {
		query.Set("replace", "true")
	}
	res, err := t.do(ctx, http.MethodPost, "/api/dashboards/import", query, data, nil)
	if err != nil {
		var refused *problem
		if errors.As(err, &refused) && refused.Code == "EXISTS" {
			return nil, fmt.Errorf("%s with --id, or pass --replace", refused.Detail)
		}
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("the answer broke off; look whether the dashboard is there: %w", err)
	}
	var in imported
	if err := jsontext.Decode(body, &in); err != nil {
		return nil, fmt.Errorf("the answer cannot be read; look whether the dashboard is there: %w", err)
	}
	return &in, nil
}

func tellImport(out io.Writer, file, where string, in *imported) {
	title := ""
	if in.Title != "" && in.Title != in.ID {
		title = fmt.Sprintf(" %q", in.Title)
	}
	did := "imported"
	if in.Status == "unchanged" {
		did = "unchanged"
	}
	fmt.Fprintf(out, "%s: %s as %s%s, %s, into %s\n", file, did, words.Printable(in.ID), title,
		count(in.Drawn+in.Kept, "widget", "widgets"), where)
	if in.Kept > 0 {
		fmt.Fprintf(out, "  %s drawn; %s kept for export, of kinds that the page cannot draw\n", number(in.Drawn), number(in.Kept))
	}
	for _, note := range in.Notes {
		fmt.Fprintf(out, "  note: %s\n", words.Printable(note))
	}
}

// readInput reads a file, or standard input.
func readInput(in io.Reader, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(in)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("the file cannot be read: %w", err)
	}
	return data, nil
}
