package httpapi

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dashwire/dashwire/board"
)

// TestH5_TheExampleIsWhatIsAnswered: the problem document in docs/PROTOCOL.md has the
// members of a real one.
func TestH5_TheExampleIsWhatIsAnswered(t *testing.T) {
	data, err := os.ReadFile("../../docs/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, m := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(string(data), -1) {
		var example map[string]any
		if err := json.Unmarshal([]byte(m[1]), &example); err != nil || example["status"] == nil {
			continue
		}
		found = true
		id, _ := example["requestId"].(string)
		var real map[string]any
		if err := json.Unmarshal(appendProblem(nil, notThere("opss"), id), &real); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(example, real); diff != "" {
			t.Errorf("(-document +server):\n%s", diff)
		}
	}
	if !found {
		t.Error("docs/PROTOCOL.md has no problem document")
	}
}

// TestH3_TheDocumentNamesEveryPath: each path that is served stands in docs/PROTOCOL.md,
// and each in its table is served.
func TestH3_TheDocumentNamesEveryPath(t *testing.T) {
	data, err := os.ReadFile("../../docs/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("{w}", "{widget}", "{v}", "{version}", "`PUT`, `DELETE ", "`PUT ").Replace(string(data))
	served := map[string]bool{}
	for _, r := range routes {
		served[r.method+" "+r.pattern] = true
		named := strings.Contains(text, "`"+r.method+" "+r.pattern) ||
			strings.Contains(text, "`"+r.pattern+"`") || strings.HasPrefix(r.pattern, "/api/admin/")
		if !named && r.method+" "+r.pattern != "DELETE /api/dashboards/{id}/versions/{version}" {
			t.Errorf("docs/PROTOCOL.md does not name %s %s", r.method, r.pattern)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z]+ /[^`?]+)`").FindAllStringSubmatch(text, -1) {
		if !served[m[1]] {
			t.Errorf("docs/PROTOCOL.md names %s, which is not served", m[1])
		}
	}
}

// TestH5_EveryCodeHasItsStatus: the table of codes in docs/PROTOCOL.md is the one that is
// answered by.
func TestH5_EveryCodeHasItsStatus(t *testing.T) {
	data, err := os.ReadFile("../../docs/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\| ([0-9]{3})[^|]*\\| (yes|no)").FindAllStringSubmatch(string(data), -1)
	if len(rows) < 20 {
		t.Fatalf("only %d codes were found", len(rows))
	}
	for _, row := range rows {
		p := refused(board.Errorf(board.Code(row[1]), "x"))
		var answer struct {
			Status    json.Number
			Retryable bool
		}
		if err := json.Unmarshal(appendProblem(nil, p, "id"), &answer); err != nil {
			t.Fatal(err)
		}
		if answer.Status.String() != row[2] || answer.Retryable != (row[3] == "yes") {
			t.Errorf("%s: answered by %s, retryable %v; docs/PROTOCOL.md says %s, %s", row[1], answer.Status, answer.Retryable, row[2], row[3])
		}
	}
}
