package archtest

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
)

const operations = "docs/operations.md"

// commandSource is the text of all sources of the command, tests apart.
func commandSource(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, f := range packages(t)["cmd/dashwire"].files {
		if !f.test {
			b.WriteString(read(t, f.path))
		}
	}
	return b.String()
}

// TestOperationsNameEveryMetric: what is measured stands in the operator's guide, and
// nothing else does.
func TestOperationsNameEveryMetric(t *testing.T) {
	there := map[string]bool{}
	for _, m := range regexp.MustCompile(`\b(?:counters?|counts|gauge|times)\("([a-z_]+)"`).FindAllStringSubmatch(read(t, "metrics/metrics.go"), -1) {
		there["dashwire_"+m[1]] = true
	}
	for _, m := range regexp.MustCompile(`Name: "(dashwire_[a-z_]+)"`).FindAllStringSubmatch(commandSource(t), -1) {
		there[m[1]] = true
	}
	if len(there) < 20 {
		t.Fatalf("only %d metrics were found", len(there))
	}
	named := map[string]bool{}
	for _, name := range regexp.MustCompile(`\bdashwire_[a-z_]+`).FindAllString(read(t, operations), -1) {
		name = strings.TrimSuffix(name, "_bucket")
		if strings.HasSuffix(name, "_") {
			continue // a family, such as dashwire_journal_…
		}
		named[name] = true
		if !there[name] {
			t.Errorf("%s names the metric %s, which is not there", operations, name)
		}
	}
	for name := range there {
		if !named[name] {
			t.Errorf("%s does not name the metric %s", operations, name)
		}
	}
}

// TestOperationsNameEveryLimit: the table of limits has those that are counted, and its
// settings are flags.
func TestOperationsNameEveryLimit(t *testing.T) {
	there := map[string]bool{}
	_, list, _ := strings.Cut(read(t, "observe/limit.go"), "func Limits()")
	for _, file := range []string{"board/limit.go", "observe/limit.go"} {
		for _, m := range regexp.MustCompile(`(Limit\w+) +Limit = "([a-z-]+)"`).FindAllStringSubmatch(read(t, file), -1) {
			there[m[2]] = true
			if !regexp.MustCompile(m[1] + `\b`).MatchString(list) {
				t.Errorf("observe.Limits does not have %s", m[1])
			}
		}
	}
	if len(there) < 30 {
		t.Fatalf("only %d limits were found", len(there))
	}
	_, section, _ := strings.Cut(read(t, operations), "\n## Limits\n")
	section, _, _ = strings.Cut(section, "\n## ")
	named := map[string]bool{}
	flags := serveFlags(t)
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|[^|]*\\|[^|]*\\|([^|]*)\\|").FindAllStringSubmatch(section, -1) {
		named[m[1]] = true
		if !there[m[1]] {
			t.Errorf("%s names the limit %s, which is not there", operations, m[1])
		}
		for _, setting := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(m[2], -1) {
			if !flags[setting[1]] {
				t.Errorf("%s names the setting %s of the limit %s, which serve does not have", operations, setting[1], m[1])
			}
		}
	}
	for name := range there {
		if !named[name] {
			t.Errorf("%s does not name the limit %s", operations, name)
		}
	}
}

// TestOperationsNameRealSettings: a setting in the guide is a flag of serve.
func TestOperationsNameRealSettings(t *testing.T) {
	flags := serveFlags(t)
	_, section, found := strings.Cut(read(t, operations), "\n## Settings\n")
	section, _, _ = strings.Cut(section, "\n## ")
	names := regexp.MustCompile("(?m)^([a-z-]+): |^\\| (`[a-z, `-]+`) \\|").FindAllStringSubmatch(section, -1)
	if !found || len(names) < 10 {
		t.Fatalf("only %d settings were found in %s", len(names), operations)
	}
	for _, m := range names {
		for name := range strings.SplitSeq(m[1]+m[2], ",") {
			if name = strings.Trim(name, " `"); !flags[name] {
				t.Errorf("%s names the setting %q, which serve does not have", operations, name)
			}
		}
	}
}

// serveFlags are the flags of serve by their names.
func serveFlags(t *testing.T) map[string]bool {
	t.Helper()
	flags := map[string]bool{}
	source := read(t, "cmd/dashwire/serve.go") + read(t, "cmd/dashwire/signin.go") + read(t, "cmd/dashwire/log.go") +
		read(t, "cmd/dashwire/limits.go") + read(t, "cmd/dashwire/auditlog.go") + read(t, "cmd/dashwire/webhookfile.go") +
		read(t, "cmd/dashwire/rights.go") + read(t, "cmd/dashwire/tls.go")
	for _, m := range regexp.MustCompile("(?m)^\t([A-Z][A-Za-z]+) +[*\\[\\]A-Za-z0-9]+ +`(name:\"([a-z-]+)\")?[^`]*help:").FindAllStringSubmatch(source, -1) {
		if m[3] != "" {
			flags[m[3]] = true
		} else {
			flags[kebab(m[1])] = true
		}
	}
	if len(flags) < 20 {
		t.Fatalf("only %d flags were found", len(flags))
	}
	return flags
}

// kebab writes the name of a field the way its flag is written.
func kebab(field string) string {
	var b strings.Builder
	for i, r := range field {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
