package words

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Action says what an administrator did, by the name and the details of an
// observe.Action: "tokens.revoked" with user ana is "tokens revoked: user ana".
func Action(name string, details map[string]string, count int) string {
	what := Printable(strings.ReplaceAll(name, ".", " "))
	if count > 1 {
		what += fmt.Sprintf(", %s times", Number(count))
	}
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(details)) {
		parts = append(parts, Printable(key)+" "+Printable(details[key]))
	}
	if len(parts) > 0 {
		what += ": " + strings.Join(parts, ", ")
	}
	return what
}
