package main

import (
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
	switch {
	case f.LogFormat == "json":
		return slog.New(slog.NewJSONHandler(to, &slog.HandlerOptions{Level: f.LogLevel}))
	case f.LogFormat == "auto" && terminal(to):
		_, plain := os.LookupEnv("NO_COLOR")
		return slog.New(tint.NewTextHandler(to, &tint.Options{Level: f.LogLevel, TimeFormat: "15:04:05.000", NoColor: plain}))
	default:
		return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: f.LogLevel}))
	}
}
