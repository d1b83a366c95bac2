package main

import (
	"errors"
	"os"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
)

// cli is the whole command line.
type cli struct {
	Config  configFile       `group:"all" env:"DASHWIRE_CONFIG" placeholder:"FILE" help:"YAML file with the flags of serve as keys"`
	Version kong.VersionFlag `group:"all" help:"print the version"`

	Serve    serveCmd    `cmd:"" help:"run the server"`
	Import   importCmd   `cmd:"" help:"bring dashboards in, Dashwire's own or Grafana's"`
	Export   exportCmd   `cmd:"" help:"write a dashboard to a file"`
	Tail     tailCmd     `cmd:"" help:"follow who changes what"`
	Bench    benchCmd    `cmd:"" help:"measure a server"`
	Token    tokenCmd    `cmd:"" help:"make a token to sign in with"`
	Webhooks webhooksCmd `cmd:"" help:"see how webhooks do, and send again what failed"`
	Backup   backupCmd   `cmd:"" help:"copy the data file, also of a running server"`
	Restore  restoreCmd  `cmd:"" help:"put a backup in place"`
	Migrate  migrateCmd  `cmd:"" help:"copy all dashboards from a file to NATS, or back"`

	NewEpochs newEpochsCmd `cmd:"" help:"begin new epochs on NATS after its stream was put back from a backup"`

	Check checkCmd `cmd:"" help:"read every log and find damage"`
}

// parse reads the command line, the environment and the file of settings. Its errors
// are notBegun. For --help and --version it prints and ends the program.
func parse(args []string, out *os.File) (*kong.Context, error) {
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "help":
		args = append(args[1:], "--help")
	case args[0] == "version":
		args = []string{"--version"}
	}
	var c cli
	parser, err := kong.New(&c,
		kong.Name("dashwire"),
		kong.Description("Dashwire makes dashboards live and shared."),
		kong.Vars{"version": "dashwire " + version()},
		kong.Writers(out, out),
		kong.DefaultEnvars("DASHWIRE"),
		kong.Help(printHelp),
	)
	if err != nil {
		return nil, err
	}
	ctx, err := parser.Parse(joinNegative(args))
	if err != nil {
		return nil, &notBegun{explain(err, parser.Model)}
	}
	return ctx, nil
}

// joinNegative writes "--flag -1" as "--flag=-1", so that the number reaches the check of
// that flag instead of being taken for a flag itself.
func joinNegative(args []string) []string {
	var joined []string
	for _, a := range args {
		if last := len(joined) - 1; last >= 0 && len(a) > 1 && a[0] == '-' && a[1] >= '0' && a[1] <= '9' &&
			strings.HasPrefix(joined[last], "--") && len(joined[last]) > 2 && !strings.Contains(joined[last], "=") {
			joined[last] += "=" + a
			continue
		}
		joined = append(joined, a)
	}
	return joined
}

// plainer puts what the parser says of Go's types into words for people.
var plainer = strings.NewReplacer(
	"expected a valid 64 bit uint but got", "want a whole number that is not negative, not",
	"expected a valid 64 bit int but got", "want a whole number, not",
	",…,...", ",…",
)

// explain adds to an error of the parser where to read on, and to a word that is no
// command which there are.
func explain(err error, app *kong.Application) error {
	var setting *settingError
	if errors.As(err, &setting) {
		return errors.New(plainer.Replace(setting.Error()))
	}
	text := plainer.Replace(err.Error())
	if missing, ok := strings.CutPrefix(text, `expected "<`); ok {
		text = "missing <" + strings.TrimSuffix(missing, `"`)
	}
	var parsing *kong.ParseError
	if errors.As(err, &parsing) && parsing.Context != nil {
		if node := parsing.Context.Selected(); node != nil {
			return errors.New(text + " (see " + node.FullPath() + " --help)")
		}
	}
	if word, ok := strings.CutPrefix(text, "unexpected argument "); ok {
		var names []string
		for _, c := range app.Leaves(true) {
			names = append(names, c.Name)
		}
		text = "there is no command " + strings.TrimSuffix(word, "?") + "; the commands are " + strings.Join(names, ", ")
	}
	return errors.New(text + " (see dashwire --help)")
}

// version is the version of the module this was built from, as far as it is known.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "development build"
	}
	return info.Main.Version
}

// given tells whether a flag was named on the command line itself.
func given(ctx *kong.Context, name string) bool {
	for _, part := range ctx.Path {
		if part.Flag != nil && part.Flag.Name == name && !part.Resolved {
			return true
		}
	}
	return false
}
