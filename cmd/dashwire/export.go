package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"
)

// exportCmd writes a dashboard to a file.
type exportCmd struct {
	ID     string `arg:"" name:"id" help:"the dashboard"`
	Format string `enum:"dashwire,grafana" default:"dashwire" help:"dashwire, or grafana to go back there"`
	Output string `short:"o" placeholder:"FILE" help:"file to write (default standard output)"`
	targetFlags
}

// Help implements kong.HelpProvider.
func (exportCmd) Help() string {
	return `Writes a dashboard as a file that can be imported, here or in Grafana. What came from
Grafana goes back value by value, with the changes made since.

dashwire export nodes --format grafana -o nodes.json`
}

// Run implements the command.
func (c *exportCmd) Run(p *program, cmd *kong.Context) (err error) {
	t, err := c.open(p.ctx, cmd, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	res, err := t.do(p.ctx, http.MethodGet, "/api/dashboards/"+url.PathEscape(c.ID)+"/export", url.Values{"format": {c.Format}}, nil, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("the export broke off: %w", err)
	}
	var text bytes.Buffer
	if err := json.Indent(&text, data, "", "  "); err != nil {
		return fmt.Errorf("the export is no JSON: %w", err)
	}
	text.WriteByte('\n')
	if c.Output == "" || c.Output == "-" {
		_, err = p.out.Write(text.Bytes())
		return err
	}
	if err := writeFile(c.Output, text.Bytes()); err != nil {
		return err
	}
	fmt.Fprintf(p.err, "%s: written to %s, %s\n", c.ID, c.Output, bytesText(int64(text.Len())))
	return nil
}

// writeFile writes a file whole or not at all; into what is no file, it just writes.
func writeFile(path string, data []byte) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return fmt.Errorf("the file cannot be written: %w", err)
		}
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".dashwire-*")
	if err != nil {
		return fmt.Errorf("the file cannot be written: %w", err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("the file cannot be written: %w", err), os.Remove(f.Name()))
	}
	return nil
}
