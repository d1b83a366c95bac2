package journal

import (
	"context"
	"iter"
)

// listPage is how many dashboards All asks for at a time.
const listPage = 200

// All yields every dashboard of a journal by List, page by page, in the order of their
// ids. One that comes or goes meanwhile may be yielded or not. A yielded error ends it.
func All(ctx context.Context, j Journal) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		after := ""
		for {
			page, err := j.List(ctx, after, listPage)
			if err != nil {
				yield(Info{}, err)
			}
			if err != nil || len(page) == 0 {
				return
			}
			for _, info := range page {
				if !yield(info, nil) {
					return
				}
			}
			after = page[len(page)-1].DashboardID
		}
	}
}
