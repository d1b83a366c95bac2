package main

import (
	"io"
	"log/slog"
	"os"

	"github.com/lmittmann/tint"
)

// logFlags say how the log is written; it goes to standard error.
type logFlags struct {
	LogLevel  slog.Level `default:"info" help:"least level logged: debug, info, warn, error"`
	LogFormat string     `enum:"auto,text,json" default:"auto" help:"text, json, or auto: colours on a terminal"`
}

func (f logFlags) logger(to *os.File) *slog.Logger {
	return slog.New(harmless{f.handler(to, f.LogFormat == "auto" && terminal(to))})
}

func (f logFlags) handler(to io.Writer, coloured bool) slog.Handler {
	switch {
	case f.LogFormat == "json":
		return slog.NewJSONHandler(to, &slog.HandlerOptions{Level: f.LogLevel})
	case coloured:
		_, plain := os.LookupEnv("NO_COLOR")
		return tint.NewTextHandler(to, &tint.Options{Level: f.LogLevel, TimeFormat: "15:04:05.000", NoColor: plain})
	default:
		return slog.NewTextHandler(to, &slog.HandlerOptions{Level: f.LogLevel})
	}
}
