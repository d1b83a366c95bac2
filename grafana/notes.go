package grafana

import (
	"fmt"
	"maps"
	"slices"
)

// mostNotes bounds the list that a person is shown.
const mostNotes = 50

// notes gathers what an import has to say.
type notes struct {
	lines []string
	more  int
	kept  map[string]int // panels that are not drawn, by type
}

func (n *notes) add(format string, args ...any) {
	if len(n.lines) == mostNotes {
		n.more++
		return
	}
	n.lines = append(n.lines, fmt.Sprintf(format, args...))
}

// keep counts a panel that is not drawn.
func (n *notes) keep(kind string) {
	if n.kept == nil {
		n.kept = map[string]int{}
	}
	n.kept[kind]++
}

func (n *notes) list() []string {
	all := n.lines
	for _, kind := range slices.Sorted(maps.Keys(n.kept)) {
		if len(all) > mostNotes+10 {
			break
		}
		count := "1 panel"
		if n.kept[kind] > 1 {
			count = fmt.Sprintf("%d panels", n.kept[kind])
		}
		all = append(all, fmt.Sprintf("%s of type %.40q: kept, and exported again, but not drawn.", count, kind))
	}
	if n.more > 0 {
		all = append(all, fmt.Sprintf("And %d more like these.", n.more))
	}
	return all
}
