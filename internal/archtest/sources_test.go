package archtest

import (
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestPackagesSayWhatTheyAreFor: every package has a package comment.
func TestPackagesSayWhatTheyAreFor(t *testing.T) {
	for dir, p := range packages(t) {
		documented, onlyTests := false, true
		for _, f := range p.files {
			onlyTests = onlyTests && f.test
			documented = documented || !f.test && f.ast.Doc != nil && strings.TrimSpace(f.ast.Doc.Text()) != ""
		}
		if !documented && !onlyTests {
			t.Errorf("package %s has no package comment: say in doc.go what it is for and what it is not for", dir)
		}
	}
}

// TestTestsDoNotSleep: a test waits for the event, or runs in a testing/synctest
// bubble and lets time pass there with timers of the code under test.
func TestTestsDoNotSleep(t *testing.T) {
	for _, p := range packages(t) {
		for _, f := range p.files {
			if !f.test {
				continue
			}
			for _, n := range calls(f, "time", "Sleep") {
				t.Errorf("%s: time.Sleep in a test", f.at(n))
			}
		}
	}
}

// timeless packages get the time as an argument or from a clock that is handed in.
var timeless = []string{"board", "internal/wire", "internal/room", "internal/session"}

func TestTimeIsHandedIn(t *testing.T) {
	all := packages(t)
	for _, dir := range timeless {
		p := all[dir]
		if p == nil {
			continue
		}
		for _, f := range p.files {
			if f.test {
				continue
			}
			for _, name := range []string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"} {
				for _, n := range calls(f, "time", name) {
					t.Errorf("%s: time.%s in %s, which has no clock of its own", f.at(n), name, dir)
				}
			}
		}
	}
}

// TestD6_DomainIsPure: deciding and folding give the same bytes on every node, so
// the domain has no clock, no randomness, no goroutine and no lock.
func TestD6_DomainIsPure(t *testing.T) {
	impure := []string{"sync", "sync/atomic", "math/rand", "math/rand/v2", "crypto/rand", "os", "net", "log", "log/slog", "context"}
	for _, f := range packages(t)["board"].files {
		if f.test {
			continue
		}
		_, others := f.imports()
		for _, path := range others {
			if slices.Contains(impure, path) {
				t.Errorf("%s: board imports %s", f.path, path)
			}
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n.(type) {
			case *ast.GoStmt, *ast.SendStmt, *ast.SelectStmt, *ast.ChanType:
				t.Errorf("%s: board uses goroutines or channels", f.at(n))
			}
			return true
		})
	}
}

// TestSessionsHaveNoSockets: a session is a state machine over messages.
func TestSessionsHaveNoSockets(t *testing.T) {
	all := packages(t)
	for _, dir := range []string{"board", "internal/wire", "internal/room", "internal/session"} {
		if all[dir] == nil {
			continue
		}
		for _, f := range all[dir].files {
			_, others := f.imports()
			for _, path := range others {
				if !f.test && (path == "net" || path == "os" || path == "syscall") {
					t.Errorf("%s: %s imports %s", f.path, dir, path)
				}
			}
		}
	}
}

// calls finds uses of a function of an imported package.
func calls(f *file, path, name string) []ast.Node {
	local := ""
	for _, spec := range f.ast.Imports {
		if spec.Path.Value == `"`+path+`"` {
			local = path[strings.LastIndex(path, "/")+1:]
			if spec.Name != nil {
				local = spec.Name.Name
			}
		}
	}
	if local == "" {
		return nil
	}
	var found []ast.Node
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == name {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == local && x.Obj == nil {
				found = append(found, n)
			}
		}
		return true
	})
	return found
}

// TestNoGlobalState: package variables are tables, sentinel errors and pools.
// Nothing is assigned to them once the program runs.
func TestNoGlobalState(t *testing.T) {
	for _, p := range packages(t) {
		vars := packageVars(p)
		for _, f := range p.files {
			if f.test {
				continue
			}
			for _, decl := range f.ast.Decls {
				if g, ok := decl.(*ast.GenDecl); ok && g.Tok == token.VAR {
					checkVars(t, f, g)
				}
			}
			ast.Inspect(f.ast, func(n ast.Node) bool {
				for _, target := range assigned(n) {
					if id := base(target); id != nil && id.Name != "_" && vars[id.Name] && global(f, id) {
						t.Errorf("%s: the package variable %s is assigned to", f.at(n), id.Name)
					}
				}
				return true
			})
		}
	}
}

func packageVars(p *pkg) map[string]bool {
	vars := map[string]bool{}
	for _, f := range p.files {
		for _, decl := range f.ast.Decls {
			g, ok := decl.(*ast.GenDecl)
			if f.test || !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					vars[name.Name] = true
				}
			}
		}
	}
	return vars
}

// checkVars refuses package variables that only make sense if they are changed:
// those without a value (embedded files and sync.Pool apart).
func checkVars(t *testing.T, f *file, g *ast.GenDecl) {
	t.Helper()
	for _, spec := range g.Specs {
		v := spec.(*ast.ValueSpec)
		if len(v.Values) > 0 || v.Names[0].Name == "_" || embedded(g.Doc) || embedded(v.Doc) {
			continue
		}
		if s, ok := v.Type.(*ast.SelectorExpr); ok && s.Sel.Name == "Pool" {
			continue
		}
		t.Errorf("%s: the package variable %s has no value, so it is state: give it an owner", f.at(v), v.Names[0].Name)
	}
}

func embedded(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool {
		return strings.HasPrefix(c.Text, "//go:embed ")
	})
}

func assigned(n ast.Node) []ast.Expr {
	switch s := n.(type) {
	case *ast.AssignStmt:
		if s.Tok != token.DEFINE {
			return s.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{s.X}
	}
	return nil
}

// base is the variable at the bottom of x[i].f, nil if there is a call or a
// pointer in between.
func base(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// global reports whether the parser found no declaration of id inside a function.
func global(f *file, id *ast.Ident) bool {
	if id.Obj == nil {
		return true // declared in another file of the package
	}
	return f.ast.Scope != nil && f.ast.Scope.Lookup(id.Name) == id.Obj
}

// elsewhere matches paths that exist on one developer's machine only.
var elsewhere = regexp.MustCompile(`(^|[^A-Za-z0-9_.~-])/(home|Users|root|work)/[A-Za-z0-9_.]|[A-Z]:\\Users\\`)

func TestNoPathsOfDeveloperMachines(t *testing.T) {
	checked := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch d.Name() {
			case ".git", "node_modules", "dist", "tmp":
				return filepath.SkipDir
			}
			return nil
		}
		switch filepath.Ext(path) {
		case ".go", ".md", ".mod", ".js", ".mjs", ".ts", ".tsx", ".css", ".html", ".json", ".yaml", ".yml", ".txt", ".sh", "":
		default:
			return nil
		}
		if info, err := d.Info(); err != nil || info.Size() > 4<<20 || !info.Mode().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || !utf8.Valid(data) {
			return err
		}
		checked++
		for i, line := range strings.Split(string(data), "\n") {
			if elsewhere.MatchString(line) {
				t.Errorf("%s:%d: a path of somebody's machine: %s", relative(t, path), i+1, strings.TrimSpace(line))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 10 {
		t.Fatalf("only %d files were read", checked)
	}
}
