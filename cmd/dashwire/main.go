package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/mattn/go-isatty"

	"github.com/dashwire/dashwire/internal/words"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		calmMonitor(syscall.Exec)
	}
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// program is what a command works with.
type program struct {
	// ctx ends with the first Ctrl-C or SIGTERM, now with the second.
	ctx, now context.Context
	in       io.Reader
	out, err *os.File
}

// run does what the arguments say and returns the exit code.
func run(args []string, in io.Reader, out, errs *os.File) int {
	ctx, now, stop := interrupts()
	defer stop()
	p := &program{ctx: ctx, now: now, in: in, out: out, err: errs}
	cmd, err := parse(args, out)
	if err == nil {
		err = cmd.Run(p)
	}
	if err == nil {
		return 0
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errors.New("stopped before the end")
	}
	if text := strings.TrimSpace(err.Error()); text != "" {
		lines := strings.Split(text, "\n")
		for i, l := range lines { // text of a server, a file or an argument may be in it
			lines[i] = words.Printable(l)
		}
		fmt.Fprintf(errs, "dashwire: %s\n", strings.Join(lines, "\n"))
	}
	var early *notBegun
	if errors.As(err, &early) {
		return 2
	}
	return 1
}

// notBegun is an error that kept a command from beginning: exit code 2.
type notBegun struct{ cause error }

func (e *notBegun) Error() string { return e.cause.Error() }
func (e *notBegun) Unwrap() error { return e.cause }

// refuse makes an error that ends the program with exit code 2.
func refuse(format string, args ...any) error {
	return &notBegun{fmt.Errorf(format, args...)}
}

// errSilent ends the program with exit code 1 when all has been said.
var errSilent = errors.New("")

// interrupts gives the two contexts of program. A third signal kills.
func interrupts() (ctx, now context.Context, stop func()) {
	ctx, endCtx := context.WithCancel(context.Background())
	now, endNow := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	quit := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, end := range []func(){endCtx, endNow} {
			select {
			case <-signals:
				end()
			case <-quit:
				return
			}
		}
		signal.Stop(signals)
	}()
	return ctx, now, func() {
		close(quit)
		<-done
		signal.Stop(signals)
		endCtx()
		endNow()
	}
}

// terminal tells whether somebody looks at f.
func terminal(f *os.File) bool {
	return isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd())
}
