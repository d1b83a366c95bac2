package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "stock:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("stock", flag.ContinueOnError)
	server := flags.String("server", "./dashwire", "the program to measure")
	file := flags.String("file", "tmp/stock/stock.db", "the data file; made if it is not there")
	dashboards := flags.Int("dashboards", 1_000_000, "how many dashboards to store")
	entries := flags.Int("entries", 1_000_000, "how many entries the long log has")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dashboards < 1 || *entries < 2*tailEntries {
		return fmt.Errorf("there are 1 or more dashboards, and %d or more entries", 2*tailEntries)
	}
	if err := os.MkdirAll(filepath.Dir(*file), 0o700); err != nil {
		return err
	}
	if _, err := os.Stat(*file); errors.Is(err, os.ErrNotExist) {
		began := time.Now()
		if err := fill(ctx, *file, *dashboards, *entries, func(what string) { fmt.Fprintln(out, what) }); err != nil {
			return fmt.Errorf("filling %s: %w", *file, err)
		}
		fmt.Fprintf(out, "filled in %s\n", time.Since(began).Round(time.Second))
	} else if err != nil {
		return err
	}
	info, err := os.Stat(*file)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s has %d MiB\n", *file, info.Size()>>20)
	return measure(ctx, out, *server, *file, *dashboards)
}
