package archtest

import (
	"slices"
	"strings"
	"testing"
)

// house says which of our packages each package may import. It is the design;
// a package that is not here fails the test until somebody decides where it
// belongs. Anything may import the foundation.
var house = map[string][]string{
	"board":             nil,
	"internal/jsontext": nil,
	"internal/clock":    nil,

	"internal/clock/clocktest": {"internal/clock"},
	"internal/freeport":        nil,
	"internal/natsd":           nil,
	"internal/natstest":        {"internal/freeport"},

	"journal":               {"board"},
	"journal/journaltest":   {"board", "journal"},
	"journal/memjournal":    {"board", "journal"},
	"journal/natsjournal":   {"board", "journal", "internal/natsdial"},
	"journal/sqlitejournal": {"board", "journal", "internal/commitlog", "internal/fsync", "internal/giveway"},

	"auth":         {"board"},
	"auth/callout": {"board", "auth"},
	"auth/httpsig": {"board", "auth"},
	"auth/jwtauth": {"board", "auth"},

	"auth/sqlitestore": {"auth", "internal/sqlitefile"},

	"webhook":             {"board", "journal"},
	"webhook/sqlitestore": {"journal", "webhook", "internal/sqlitefile"},

	"relay":           {"board"},
	"relay/relaytest": {"relay"},
	"relay/memrelay":  {"relay"},
	"relay/natsrelay": {"relay", "internal/natsdial"},

	"audit":   {"observe"},
	"observe": {"board"},
	"metrics": {"board", "journal", "observe"},

	"internal/ratelimit":  nil,
	"internal/sqlitefile": nil,

	"internal/sqlitefile/sqlitefiletest": nil,

	"internal/commitlog": {"internal/fsync"},
	"internal/fsync":     nil,
	"internal/fifo":      nil,
	"internal/natsdial":  nil,
	"internal/giveway":   nil,
	"internal/busy":      nil,
	"internal/lane":      {"internal/fifo"},

	"internal/wire":     {"board"},
	"internal/room":     {"board", "journal", "auth", "observe", "internal/wire", "internal/fifo", "relay"},
	"internal/session":  {"board", "auth", "observe", "internal/wire", "internal/room", "internal/ratelimit", "relay"},
	"internal/wsconn":   {"auth", "observe", "internal/wire", "internal/session", "internal/lane"},
	"internal/httpapi":  {"board", "journal", "audit", "internal/trail", "internal/words", "auth", "observe", "internal/wire", "internal/room", "internal/session", "internal/ratelimit", "internal/lane", "webhook"},
	"internal/dispatch": {"board", "journal", "observe", "internal/room", "webhook"},

	"client":  {"board", "internal/wire"},
	"grafana": {"board"},

	".": {
		"board", "journal", "audit", "auth", "observe", "client", "grafana",
		"internal/wire", "internal/room", "internal/session", "internal/wsconn", "internal/httpapi",
		"internal/busy", "internal/dispatch", "internal/giveway", "internal/lane", "webhook", "relay",
	},

	"internal/archtest":    nil,
	"internal/attack":      {anything},
	"internal/chaos":       {anything},
	"internal/cluster":     {anything},
	"internal/floods":      {anything},
	"internal/stock":       {anything},
	"internal/bench":       {anything},
	"internal/hostmetrics": {anything},
	"internal/page":        nil,
	"internal/certs":       nil,
	"internal/words":       {"board"},
	"internal/trail":       {"board", "journal", "internal/words"},
	"cmd/dashwire":         {anything},
	"examples/":            {anything}, // each folder below
}

const anything = "anything"

// foundation is what any package may import. The domain is the exception for
// the clock: time comes to it as an argument.
var foundation = []string{"internal/jsontext", "internal/clock"}

// drivers fill a contract. They never import each other, and the root package
// reaches none of them: an embedder's build has only the drivers that it names.
var drivers = []string{
	"journal/memjournal", "journal/natsjournal", "journal/sqlitejournal", "auth/callout", "auth/httpsig", "auth/jwtauth", "auth/sqlitestore", "metrics", "webhook/sqlitestore",
	"relay/memrelay", "relay/natsrelay",
}

// testsMayAlso is what tests of any package may import on top: contract suites,
// journals to run on, signatures, a clock to set, ports, NATS servers, and the client and the whole server as the outside world.
var testsMayAlso = []string{
	"board", "journal", "auth", "observe", "client", ".",
	"journal/memjournal", "journal/sqlitejournal", "journal/journaltest", "auth/callout", "auth/httpsig",
	"auth/sqlitestore", "webhook/sqlitestore", "relay", "relay/memrelay", "relay/relaytest",
	"internal/clock/clocktest", "internal/sqlitefile/sqlitefiletest", "internal/freeport", "internal/natstest",
}

// libraries says who may import which module outside the standard library.
var libraries = map[string][]string{
	"github.com/go-json-experiment/json": {"internal/jsontext"},
	"github.com/gobwas/ws":               {"internal/wsconn", "client", "internal/bench"},
	"modernc.org/sqlite":                 {"journal/sqlitejournal", "internal/sqlitefile"},
	"modernc.org/libc":                   {"journal/sqlitejournal"},
	"github.com/nats-io/nats.go":         {"journal/natsjournal", "relay/natsrelay", "internal/natsdial"},
	"github.com/nats-io/nats-server/v2":  {"internal/natsd"},
	"github.com/dunglas/httpsfv":         {"auth/httpsig"},
	"github.com/golang-jwt/jwt/v5":       {"auth/jwtauth", "cmd/dashwire"},
	"github.com/MicahParks/jwkset":       {"auth/jwtauth", "cmd/dashwire"},
	"github.com/prometheus/client_golang": {
		"metrics",
	},
	"github.com/shirou/gopsutil/v4": {"internal/hostmetrics"},
	"github.com/alecthomas/kong":    {"cmd/dashwire"},
	"github.com/goccy/go-yaml":      {"cmd/dashwire"},
	"github.com/lmittmann/tint":     {"cmd/dashwire"},
	"github.com/mattn/go-isatty":    {"cmd/dashwire"},
	"github.com/google/uuid":        {".", "client", "cmd/dashwire", "internal/bench", "internal/chaos", "internal/httpapi"},
	"golang.org/x/sys":              {"internal/wsconn", "internal/busy", "internal/giveway", "internal/commitlog", "internal/fsync", "journal/sqlitejournal", "cmd/dashwire", "internal/bench", "internal/floods"},
	"golang.org/x/crypto":           {"internal/certs"},
	"golang.org/x/time":             {".", "internal/floods", "internal/bench"},
}

// testLibraries may be imported by tests alone.
var testLibraries = []string{
	"github.com/google/go-cmp", "go.uber.org/goleak", "pgregory.net/rapid",
	"github.com/anishathalye/porcupine", "github.com/nats-io/nats-server/v2",
	"github.com/pb33f/libopenapi", "github.com/pb33f/libopenapi-validator",
	"github.com/letsencrypt/pebble/v2", "github.com/letsencrypt/challtestsrv", // an ACME authority
}

// allowed returns what a package may import, and whether it has a line in house.
func allowed(dir string) ([]string, bool) {
	if list, ok := house[dir]; ok {
		return list, true
	}
	if strings.HasPrefix(dir, "examples/") {
		return house["examples/"], true
	}
	return nil, false
}

func TestImports(t *testing.T) {
	for dir, p := range packages(t) {
		may, known := allowed(dir)
		if !known {
			t.Errorf("package %s is not in the table of who may import whom: decide where it belongs and add it", dir)
			continue
		}
		for _, f := range p.files {
			ours, others := f.imports()
			for _, imported := range ours {
				if !mayImport(dir, may, imported, f.test) {
					t.Errorf("%s: %s must not import %s", f.path, dir, imported)
				}
			}
			for _, path := range others {
				if !mayUse(dir, path, f.test) {
					t.Errorf("%s: %s must not import %s (see the table of libraries)", f.path, dir, path)
				}
			}
		}
	}
}

func mayImport(dir string, may []string, imported string, test bool) bool {
	if slices.Contains(drivers, dir) && slices.Contains(drivers, imported) {
		return dir == imported // an external test of the driver itself
	}
	if slices.Contains(foundation, imported) {
		return dir != "board" || imported != "internal/clock"
	}
	if slices.Contains(may, anything) || slices.Contains(may, imported) {
		return true
	}
	return test && (imported == dir || slices.Contains(testsMayAlso, imported))
}

func mayUse(dir, path string, test bool) bool {
	if !strings.Contains(strings.SplitN(path, "/", 2)[0], ".") {
		return true // the standard library
	}
	for mod, users := range libraries {
		if path == mod || strings.HasPrefix(path, mod+"/") {
			return slices.Contains(users, dir) || test && tested(path)
		}
	}
	return test && tested(path)
}

// tested tells whether any test may import it.
func tested(path string) bool {
	return slices.ContainsFunc(testLibraries, func(mod string) bool {
		return path == mod || strings.HasPrefix(path, mod+"/")
	})
}

// TestRootReachesNoDriver follows imports through our own packages: what an
// embedder of the root package builds has no driver and no vendor in it.
func TestRootReachesNoDriver(t *testing.T) {
	all := packages(t)
	seen := map[string]string{} // package → who imports it
	queue := []string{"."}
	for len(queue) > 0 {
		dir := queue[0]
		queue = queue[1:]
		p := all[dir]
		if p == nil {
			continue
		}
		for _, f := range p.files {
			if f.test {
				continue
			}
			ours, others := f.imports()
			for _, imported := range ours {
				if _, ok := seen[imported]; !ok {
					seen[imported] = f.path
					queue = append(queue, imported)
				}
				if slices.Contains(drivers, imported) {
					t.Errorf("%s: the root package reaches the driver %s", f.path, imported)
				}
			}
			for _, path := range others {
				for _, vendor := range []string{"prometheus", "opentelemetry", "golang-jwt", "jwkset", "modernc.org", "nats-io"} {
					if strings.Contains(path, vendor) {
						t.Errorf("%s: the root package reaches %s", f.path, path)
					}
				}
			}
		}
	}
}

// TestTableNamesOnlyKnownPackages keeps names that nobody decided about out of the tables.
func TestTableNamesOnlyKnownPackages(t *testing.T) {
	for dir, may := range house {
		for _, imported := range may {
			if _, known := allowed(imported); !known && imported != anything {
				t.Errorf("house: %s may import %s, which has no line of its own", dir, imported)
			}
		}
	}
	for _, list := range [][]string{foundation, drivers, testsMayAlso} {
		for _, dir := range list {
			if _, known := house[dir]; !known {
				t.Errorf("%s has no line in the table of who may import whom", dir)
			}
		}
	}
}
