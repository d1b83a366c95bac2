package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/dashwire/dashwire/audit"
	"github.com/dashwire/dashwire/observe"
)

// auditFile says where it is kept who administered a server, also to the commands that
// read that or write into it.
type auditFile struct {
	AuditLog string `name:"audit-log" hidden:"" placeholder:"FILE" help:"file for acts of administrators and refused sign-ins, off for none (default the one beside the data file)"`
}

// auditFlags are what serve is told of its audit log.
type auditFlags struct {
	auditFile
	AuditBytes size `name:"audit-bytes" hidden:"" default:"16MiB" help:"size at which that file is put aside"`
	AuditKeep  int  `name:"audit-keep" hidden:"" default:"10" help:"how many that were put aside are kept"`
}

// auditOff is the setting that keeps no audit log.
const auditOff = "off"

// auditPath is where the audit log of a data file is: beside it, under a name that a
// data file that is moved away with what belongs to it does not take along.
func auditPath(setting, data string) string {
	switch setting {
	case "":
		return strings.TrimSuffix(data, filepath.Ext(data)) + ".audit.jsonl"
	case auditOff:
		return ""
	}
	return setting
}

// open opens the audit log; nil if none is kept.
func (f *auditFlags) open(data string, log *slog.Logger) (*audit.Log, error) {
	path := auditPath(f.AuditLog, data)
	if path == "" {
		return nil, nil
	}
	if f.AuditBytes < 64<<10 || f.AuditKeep < 1 {
		return nil, refuse("--audit-bytes is at least 64KiB and --audit-keep at least 1; --audit-log off keeps nothing")
	}
	l, err := audit.Open(path, audit.Options{MaxBytes: int64(f.AuditBytes), Keep: f.AuditKeep, Log: log})
	if err != nil {
		return nil, refuse("--audit-log: %w", err)
	}
	return l, nil
}

// started is the first line of a run: the settings that were given to it, by flag, file
// or environment; all others are those of the version. What may be secret in one is left
// out.
func started(cmd *kong.Context) observe.Action {
	details := map[string]string{"version": version()}
	for _, p := range cmd.Path {
		if p.Flag != nil {
			details["--"+p.Flag.Name] = presentable(p.Flag)
		}
	}
	for _, level := range cmd.Selected().AllFlags(false) {
		for _, f := range level {
			if slices.ContainsFunc(f.Envs, func(name string) bool { _, set := os.LookupEnv(name); return set }) {
				details["--"+f.Name] = presentable(f)
			}
		}
	}
	return observe.Action{Name: "server.started", UserID: me(), Details: details}
}

// presentable is the value of a flag without what may be secret in it.
func presentable(f *kong.Flag) string {
	if d, ok := f.Target.Interface().(span); ok {
		return time.Duration(d).String()
	}
	name := f.Name
	for _, secret := range [...]string{"secret", "token", "password", "credential"} {
		if strings.Contains(name, secret) && !strings.HasSuffix(name, "-file") {
			return "(set)"
		}
	}
	var parts []string
	for part := range strings.SplitSeq(strings.Trim(fmt.Sprint(f.Target.Interface()), "[]"), " ") {
		if u, err := url.Parse(part); err == nil && (u.User != nil || u.RawQuery != "") {
			u.User, u.RawQuery = nil, ""
			part = u.String()
		} else if err != nil && strings.Contains(part, "@") {
			part = "(set)"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}

// me is who runs the command, as this machine knows them.
func me() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// note writes down what a command has done to a data file, if an audit log is named or
// kept beside it. Putting files aside is left to the server, which knows how many are kept.
func (f *auditFile) note(ctx context.Context, data, name string, details map[string]string) error {
	path := auditPath(f.AuditLog, data)
	if path == "" || f.AuditLog == "" && !exists(path) {
		return nil
	}
	l, err := audit.Open(path, audit.Options{MaxBytes: math.MaxInt64, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("it is done, but cannot be written down: %w", err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := l.Record(ctx, observe.Action{Name: name, UserID: me(), Via: "command", Details: details}); err != nil {
		return fmt.Errorf("it is done, but cannot be written down: %w", err)
	}
	return nil
}
