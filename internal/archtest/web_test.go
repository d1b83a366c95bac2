package archtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// webHouse lists what the sources of each package of the web side may import beside
// their own files; tests may import more. A package of npm stands with all its parts.
var webHouse = map[string][]string{
	"web/packages/client": {},
	"web/packages/react":  {"@dashwire/client", "react", "react-dom"},
	"web/packages/demo": {
		"@dashwire/client", "@dashwire/react", "@base-ui/react", "lucide-react", "marked", "react", "react-dom", "uplot",
	},
}

// webParts are folders that are an entry of their package by themselves, and what they
// may import on top.
var webParts = map[string][]string{
	"web/packages/client/src/encryption/": {"jose"},
}

// imported is the source of an import or export, at the beginning of a line or as a call.
var imported = regexp.MustCompile(`(?m)^\s*(?:import|export)\b[^'";]*?\bfrom\s*'([^']+)'|^\s*import\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)`)

// TestWebImports: the client stands alone, the bindings on the client, the demo on both;
// nobody reaches into another's sources.
func TestWebImports(t *testing.T) {
	for dir, allowed := range webHouse {
		t.Run(dir, func(t *testing.T) {
			found := 0
			walk := func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				if ext := filepath.Ext(path); ext != ".ts" && ext != ".tsx" || strings.Contains(d.Name(), ".test.") || strings.Contains(d.Name(), ".bench.") {
					return nil
				}
				rel := relative(t, path)
				allowed := slices.Clone(allowed)
				for part, more := range webParts {
					if strings.HasPrefix(rel, part) {
						allowed = append(allowed, more...)
					}
				}
				for _, m := range imported.FindAllStringSubmatch(read(t, rel), -1) {
					from := m[1] + m[2] + m[3]
					found++
					if strings.HasPrefix(from, ".") {
						target := filepath.ToSlash(filepath.Join(filepath.Dir(rel), from))
						if !strings.HasPrefix(target, dir+"/src/") {
							t.Errorf("%s imports %s, which is not its package's", rel, target)
						}
						continue
					}
					if !slices.ContainsFunc(allowed, func(p string) bool { return from == p || strings.HasPrefix(from, p+"/") }) {
						t.Errorf("%s imports %s: %s may import %s", rel, from, dir, strings.Join(allowed, ", "))
					}
				}
				return nil
			}
			if err := filepath.WalkDir(filepath.Join(root, dir, "src"), walk); err != nil {
				t.Fatal(err)
			}
			if found == 0 {
				t.Error("no import was found: this test reads nothing")
			}
			if _, err := os.Stat(filepath.Join(root, dir, "package.json")); err != nil {
				t.Error(err)
			}
		})
	}
}
