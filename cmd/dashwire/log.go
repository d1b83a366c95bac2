package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/lmittmann/tint"
)

// logFlags say how the log is written; it goes to standard error.
type logFlags struct {
	LogLevel  logLevel `default:"info" help:"least level logged: debug, info, warn, error"`
	LogFormat string   `enum:"auto,text,json" default:"auto" help:"text, json, or auto: colours on a terminal"`
}

// logLevel is the least level that is logged.
type logLevel slog.Level

// UnmarshalText reads a level by its name.
func (l *logLevel) UnmarshalText(text []byte) error {
	if err := (*slog.Level)(l).UnmarshalText(text); err != nil {
		return fmt.Errorf("%q is no level; write debug, info, warn or error", text)
	}
	return nil
}

func (f logFlags) logger(to *os.File) *slog.Logger {
	return f.loggerTo(to, f.LogFormat == "auto" && terminal(to))
}

func (f logFlags) loggerTo(to io.Writer, coloured bool) *slog.Logger {
	return slog.New(harmless{f.handler(to, coloured), f.LogFormat != "json"})
}

func (f logFlags) handler(to io.Writer, coloured bool) slog.Handler {
	switch {
	case f.LogFormat == "json":
		return slog.NewJSONHandler(to, &slog.HandlerOptions{Level: slog.Level(f.LogLevel)})
	case coloured:
		_, plain := os.LookupEnv("NO_COLOR")
		return tint.NewTextHandler(to, &tint.Options{Level: slog.Level(f.LogLevel), TimeFormat: "15:04:05.000", NoColor: plain})
	default:
		return slog.NewTextHandler(to, &slog.HandlerOptions{Level: slog.Level(f.LogLevel)})
	}
}
