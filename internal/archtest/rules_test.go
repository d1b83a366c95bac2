package archtest

import (
	"encoding/json"
	"go/ast"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const protocol = "docs/PROTOCOL.md"

var (
	// ruleLine opens a rule in the document: "**M3** …" at the start of a line.
	ruleLine = regexp.MustCompile(`(?m)^(?:- )?\*\*([DECRMLPWAH][0-9]+)\*\*`)
	// laterLine is a row of the table under laterHeading.
	laterLine    = regexp.MustCompile(`(?m)^\| ([DECRMLPWAH][0-9]+) \|`)
	laterHeading = "## Not yet in this version"
	ruleID       = regexp.MustCompile(`^[DECRMLPWAH][0-9]+$`)
	// scriptTest is the title of a test in TypeScript or JavaScript.
	scriptTest = regexp.MustCompile("\\b(?:it|test|describe)(?:\\.[a-z.]+)?\\(\\s*['\"`]([^'\"`]*)")
	jsonBlock  = regexp.MustCompile("(?s)```json\n(.*?)```")
)

// rules reads the rule IDs of the protocol, and those that it says come later.
func rules(t *testing.T) (all []string, later map[string]bool) {
	t.Helper()
	text := read(t, protocol)
	seen := map[string]bool{}
	for _, m := range ruleLine.FindAllStringSubmatch(text, -1) {
		if seen[m[1]] {
			t.Errorf("%s states rule %s twice", protocol, m[1])
		}
		seen[m[1]] = true
	}
	_, section, found := strings.Cut(text, laterHeading+"\n")
	if !found {
		t.Fatalf("%s has no heading %q", protocol, laterHeading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	later = map[string]bool{}
	for _, m := range laterLine.FindAllStringSubmatch(section, -1) {
		if !seen[m[1]] {
			t.Errorf("%s: %s comes later, but is no rule", protocol, m[1])
		}
		later[m[1]] = true
	}
	return slices.Sorted(maps.Keys(seen)), later
}

// TestEveryRuleHasATest: a rule of the protocol is proved by a test or subtest
// whose name starts with its ID, such as TestM3_EqualValuesNeverClash, or
// t.Run("M3 equal values never clash"), or a table's name of that kind.
func TestEveryRuleHasATest(t *testing.T) {
	all, later := rules(t)
	if len(all) < 70 {
		t.Fatalf("%s states only %d rules", protocol, len(all))
	}
	proved := provedInGo(t)
	for id, where := range provedInScripts(t) {
		proved[id] = where
	}
	for _, id := range all {
		if proved[id] == "" && !later[id] {
			t.Errorf("rule %s has no test: name one Test%s_… or start a subtest's name with %q", id, id, id)
		}
	}
	for id, where := range proved {
		if !slices.Contains(all, id) {
			t.Errorf("%s: a test names rule %s, which %s does not state", where, id, protocol)
		}
	}
}

// TestRulesAreNumberedWithoutGaps: an ID never changes and none is lost.
func TestRulesAreNumberedWithoutGaps(t *testing.T) {
	all, _ := rules(t)
	highest := map[string]int{}
	count := map[string]int{}
	for _, id := range all {
		n, err := strconv.Atoi(id[1:])
		if err != nil {
			t.Fatal(err)
		}
		highest[id[:1]] = max(highest[id[:1]], n)
		count[id[:1]]++
	}
	for letter, n := range highest {
		if count[letter] != n {
			t.Errorf("%s has %d rules %s, the last is %s%d", protocol, count[letter], letter, letter, n)
		}
	}
}

// TestProtocolExamplesAreJSON: what a reader copies out of the document parses.
func TestProtocolExamplesAreJSON(t *testing.T) {
	blocks := jsonBlock.FindAllStringSubmatch(read(t, protocol), -1)
	if len(blocks) < 20 {
		t.Fatalf("%s has only %d JSON examples", protocol, len(blocks))
	}
	for _, b := range blocks {
		if !json.Valid([]byte(b[1])) {
			t.Errorf("%s: not JSON:\n%s", protocol, b[1])
		}
	}
}

// TestProtocolHasEveryType: each of the twenty message types has an example.
func TestProtocolHasEveryType(t *testing.T) {
	examples := map[string]bool{}
	for _, b := range jsonBlock.FindAllStringSubmatch(read(t, protocol), -1) {
		var message struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal([]byte(b[1]), &message); err == nil && message.Type != "" {
			examples[message.Type] = true
		}
	}
	for _, name := range []string{
		"CONNECT", "DISCONNECT", "PING", "PONG", "SYNC_REQUEST", "SYNC_RESPONSE", "SYNC_UPDATE", "SYNC_ENTRIES",
		"WIDGET_UPDATE", "WIDGET_DELETE", "WIDGET_BATCH", "LAYOUT_UPDATE", "LAYOUT_RESTORE",
		"CONFLICT_DETECTED", "CONFLICT_RESOLVED", "ACK", "NACK",
		"PRESENCE", "WIDGET_DATA", "DASHBOARD_UPDATE", "APP_MESSAGE",
	} {
		if !examples[name] {
			t.Errorf("%s has no example of %s", protocol, name)
		}
	}
}

// TestProtocolListsEveryCode: each refusal code of the domain is in the document.
func TestProtocolListsEveryCode(t *testing.T) {
	text := read(t, protocol)
	found := 0
	for _, f := range packages(t)["board"].files {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "Code" {
				return true
			}
			code := stringOf(spec.Values[0])
			found++
			if !strings.Contains(text, "`"+code+"`") {
				t.Errorf("%s does not mention the code %s", protocol, code)
			}
			return true
		})
	}
	if found < 15 {
		t.Fatalf("only %d codes found in board", found)
	}
}

// provedInGo maps rule IDs to a test that carries them.
func provedInGo(t *testing.T) map[string]string {
	t.Helper()
	proved := map[string]string{}
	note := func(f *file, n ast.Node, name, separators string) {
		for _, id := range leadingIDs(name, separators) {
			proved[id] = f.at(n)
		}
	}
	for _, p := range packages(t) {
		for _, f := range p.files {
			if !f.test {
				continue
			}
			ast.Inspect(f.ast, func(n ast.Node) bool {
				switch x := n.(type) {
				case *ast.FuncDecl:
					for _, prefix := range []string{"Test", "Fuzz"} {
						if rest, ok := strings.CutPrefix(x.Name.Name, prefix); ok && x.Recv == nil {
							note(f, x, rest, "_")
						}
					}
				case *ast.CallExpr: // t.Run("M3 …", …)
					if s, ok := x.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "Run" && len(x.Args) == 2 {
						note(f, x, stringOf(x.Args[0]), " :,_/")
					}
				case *ast.CompositeLit:
					// A lone "A1" in a table may be the name of a widget.
					if name := tableName(x); strings.Contains(name, " ") {
						note(f, x, name, " :,_/")
					}
				case *ast.KeyValueExpr: // map[string]…{"M3 …": {…}}
					if name := stringOf(x.Key); strings.Contains(name, " ") {
						note(f, x, name, " :,_/")
					}
				}
				return true
			})
		}
	}
	return proved
}

// provedInScripts does the same for TypeScript and JavaScript tests.
func provedInScripts(t *testing.T) map[string]string {
	t.Helper()
	proved := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != root && skipped(d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		stem := strings.TrimSuffix(path, filepath.Ext(path))
		if !strings.HasSuffix(stem, ".test") && !strings.HasSuffix(stem, ".spec") {
			return nil
		}
		rel := relative(t, path)
		for _, m := range scriptTest.FindAllStringSubmatch(read(t, rel), -1) {
			for _, id := range leadingIDs(m[1], " :,_/") {
				proved[id] = rel
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return proved
}

// leadingIDs returns the rule IDs that a test's name starts with: one, or several
// as in TestM3_M7_EqualValues. An ID ends at a separator or with the name.
func leadingIDs(name, separators string) []string {
	var ids []string
	for {
		name = strings.TrimLeft(name, separators)
		end := strings.IndexAny(name, separators)
		if end < 0 {
			end = len(name)
		}
		if !ruleID.MatchString(name[:end]) {
			return ids
		}
		ids = append(ids, name[:end])
		name = name[end:]
	}
}

// tableName is the name of one case in a table of tests: its field called name,
// else its first value.
func tableName(x *ast.CompositeLit) string {
	for i, e := range x.Elts {
		kv, keyed := e.(*ast.KeyValueExpr)
		if !keyed && i == 0 {
			return stringOf(e)
		}
		if !keyed {
			return ""
		}
		if key, ok := kv.Key.(*ast.Ident); ok && strings.EqualFold(key.Name, "name") {
			return stringOf(kv.Value)
		}
	}
	return ""
}

func stringOf(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return s
}

func TestLeadingIDs(t *testing.T) {
	for _, tc := range []struct {
		name, in, separators string
		want                 []string
	}{
		{"a function", "M3_EqualValuesNeverClash", "_", []string{"M3"}},
		{"several", "M3_M7_EqualValues", "_", []string{"M3", "M7"}},
		{"a subtest", "C6 a takeover, then C7", " :,_/", []string{"C6"}},
		{"several in a subtest", "C6, C7: both", " :,_/", []string{"C6", "C7"}},
		{"no rule", "E2EWorks_Always", "_", nil},
		{"an ID alone", "M3", "_", []string{"M3"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := leadingIDs(tc.in, tc.separators); !slices.Equal(got, tc.want) {
				t.Errorf("leadingIDs(%q) = %v, want %v", tc.in, got, tc.want)
			}
		})
	}
}
