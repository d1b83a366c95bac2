package archtest

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const security = "docs/security.md"

var (
	// attackRow is a row of the table of attacks: id, attack, expected, tests.
	attackRow = regexp.MustCompile(`(?m)^\| (\d+) \| (.+) \| (.+) \| (.+) \|$`)
	quotedIn  = regexp.MustCompile("`([^`]+)`")
	attackID  = regexp.MustCompile(`^TestAttack_(\d+)_`)
)

// TestEveryAttackIsTried: each row of the table of attacks names tests that are there,
// under a number of its own, and each test of an attack has its row.
func TestEveryAttackIsTried(t *testing.T) {
	there := map[string]bool{}
	for dir, p := range packages(t) {
		for _, f := range p.files {
			for _, d := range f.ast.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok || !f.test || fn.Recv != nil {
					continue
				}
				there[fn.Name.Name] = true
				if attackID.MatchString(fn.Name.Name) && dir != "internal/attack" {
					t.Errorf("%s: the test of an attack belongs into internal/attack", f.at(fn))
				}
			}
		}
	}
	rows := attackRow.FindAllStringSubmatch(read(t, security), -1)
	if len(rows) < 60 {
		t.Errorf("%s has only %d attacks", security, len(rows))
	}
	seen, named := map[string]bool{}, map[string]bool{}
	for _, row := range rows {
		id, tests := row[1], quotedIn.FindAllStringSubmatch(row[4], -1)
		if seen[id] {
			t.Errorf("%s has attack %s twice", security, id)
		}
		seen[id] = true
		if len(tests) == 0 {
			t.Errorf("%s: attack %s names no test", security, id)
		}
		for _, m := range tests {
			name := m[1]
			named[name] = true
			of := attackID.FindStringSubmatch(name)
			switch {
			case strings.HasSuffix(name, ".test.ts"):
				if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(name))); err != nil {
					t.Errorf("%s: attack %s names %s, which is not there", security, id, name)
				}
			case !there[name]:
				t.Errorf("%s: attack %s names the test %s, which is not there", security, id, name)
			case of != nil && strings.TrimLeft(of[1], "0") != id:
				t.Errorf("%s: %s stands in the row of attack %s", security, name, id)
			}
		}
	}
	for name := range there {
		if attackID.MatchString(name) && !named[name] {
			t.Errorf("%s has no row for %s: add one", security, name)
		}
	}
}
