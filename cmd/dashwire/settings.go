package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// configFile is the flag that names a file of settings. A setting counts if neither
// the command line nor the environment has it.
type configFile string

// BeforeResolve reads the file; kong calls it before it looks settings up.
func (c configFile) BeforeResolve(app *kong.Kong, ctx *kong.Context, trace *kong.Path) error {
	path, ok := ctx.FlagValue(trace.Flag).(configFile)
	if !ok || path == "" {
		return nil
	}
	data, err := os.ReadFile(string(path))
	if err != nil {
		return settingErrorf("the file of settings cannot be read: %w", err)
	}
	s, err := parseSettings(string(path), data, flagsOf(app.Model, "serve"))
	if err != nil {
		return err
	}
	ctx.AddResolver(s)
	return nil
}

// settingError is an error in the file of settings, which says it all.
type settingError struct{ cause error }

func (e *settingError) Error() string { return e.cause.Error() }
func (e *settingError) Unwrap() error { return e.cause }

func settingErrorf(format string, args ...any) error {
	return &settingError{fmt.Errorf(format, args...)}
}

// flagsOf returns the flags of a command that may stand in a file.
func flagsOf(app *kong.Application, command string) map[string]*kong.Flag {
	all := make(map[string]*kong.Flag)
	for _, c := range app.Leaves(true) {
		if c.Name != command {
			continue
		}
		for _, f := range c.Flags {
			all[f.Name] = f
		}
	}
	return all
}

// settings are the values of a file, by the name of their flag.
type settings struct {
	path   string
	values map[string]setting
}

type setting struct {
	line  int
	value any // a string, or a []any of strings
}

// parseSettings reads a YAML file: one mapping from flags to scalars or lists. It
// refuses keys that are no flags, keys that come twice, and values without a value.
func parseSettings(path string, data []byte, flags map[string]*kong.Flag) (*settings, error) {
	s := &settings{path: path, values: make(map[string]setting)}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		var syntax yaml.Error
		if errors.As(err, &syntax) && syntax.GetToken() != nil {
			return nil, settingErrorf("%s:%d: %s", path, syntax.GetToken().Position.Line, syntax.GetMessage())
		}
		return nil, settingErrorf("%s: %w", path, err)
	}
	for i, doc := range file.Docs {
		switch body := doc.Body.(type) {
		case nil, *ast.NullNode, *ast.CommentGroupNode:
		case *ast.MappingNode:
			if i > 0 {
				return nil, settingErrorf("%s:%d: a second document; only one is read", path, body.GetToken().Position.Line)
			}
			if err := s.add(body.Values, flags); err != nil {
				return nil, err
			}
		case *ast.MappingValueNode:
			if err := s.add([]*ast.MappingValueNode{body}, flags); err != nil {
				return nil, err
			}
		default:
			return nil, settingErrorf("%s:%d: settings are written as key: value, one a line",
				path, body.GetToken().Position.Line)
		}
	}
	return s, nil
}

func (s *settings) add(members []*ast.MappingValueNode, flags map[string]*kong.Flag) error {
	for _, m := range members {
		line := m.Key.GetToken().Position.Line
		var key string
		if err := yaml.NodeToValue(m.Key, &key, yaml.Strict()); err != nil {
			return settingErrorf("%s:%d: a key must be text", s.path, line)
		}
		if flags[key] == nil {
			return settingErrorf("%s:%d: unknown key %q%s", s.path, line, key, nearest(key, flags))
		}
		var value any
		if err := yaml.NodeToValue(m.Value, &value, yaml.Strict()); err != nil {
			return settingErrorf("%s:%d: %s: %w", s.path, line, key, err)
		}
		text, err := settingText(value)
		if err != nil {
			return settingErrorf("%s:%d: %s: %w", s.path, line, key, err)
		}
		s.values[key] = setting{line: line, value: text}
	}
	return nil
}

// settingText gives a value in the form in which flags are parsed.
func settingText(value any) (any, error) {
	switch v := value.(type) {
	case nil:
		return nil, errors.New("there is no value; write one, or leave the key out")
	case map[string]any:
		return nil, errors.New("a value is wanted here, not more keys")
	case []any:
		list := make([]string, 0, len(v))
		for _, e := range v {
			text, err := settingText(e)
			if err != nil {
				return nil, err
			}
			one, ok := text.(string)
			if !ok {
				return nil, errors.New("a list in a list is not understood")
			}
			list = append(list, one)
		}
		return strings.Join(list, ","), nil
	default:
		return fmt.Sprint(v), nil
	}
}

// nearest suggests a key, if one is much like the unknown one.
func nearest(key string, flags map[string]*kong.Flag) string {
	best, distance := "", 3
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		if d := editDistance(strings.ReplaceAll(strings.ToLower(key), "_", "-"), name); d < distance {
			best, distance = name, d
		}
	}
	if best == "" {
		return "; the keys are the flags of dashwire serve --help"
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// editDistance is the number of letters to add, drop or replace.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// Validate implements kong.Resolver; the keys were checked when the file was read.
func (s *settings) Validate(*kong.Application) error { return nil }

// Resolve implements kong.Resolver: what the environment says counts more.
func (s *settings) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	v, ok := s.values[flag.Name]
	if !ok {
		return nil, nil
	}
	// Tried here, where the line is known; kong parses it again.
	target := flag.Target
	if err := flag.Parse(kong.Scan().PushTyped(v.value, kong.FlagValueToken), target); err != nil {
		return nil, settingErrorf("%s:%d: %w", s.path, v.line, err)
	}
	return v.value, nil
}
