package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// widgets is how many widgets a dashboard has.
const widgets = 20

// prepare makes the dashboards where a server wants that.
func prepare(ctx context.Context, l *load) error {
	if _, ok := l.dialect.(*dashwire); !ok {
		return nil
	}
	var doc strings.Builder
	for i := range widgets {
		fmt.Fprintf(&doc, `,"w%d":{"type":"stat","title":"Widget %d","config":{"unit":"short","decimals":1}}`, i, i)
	}
	client := &http.Client{Timeout: settle}
	defer client.CloseIdleConnections()
	for _, id := range l.dashboards {
		body := `{"id":"` + id + `","title":"` + id + `","document":{"widgets":{` + doc.String()[1:] + `}}}`
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+l.address.String()+"/api/dashboards", strings.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := client.Do(req)
		if err != nil {
			return fmt.Errorf("make a dashboard: %w", err)
		}
		text, err := io.ReadAll(io.LimitReader(res.Body, 1000))
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusCreated {
			return fmt.Errorf("make a dashboard: %s: %s", res.Status, text)
		}
	}
	return nil
}

// firstVersion is that of a dashboard that was prepared.
func firstVersion(d dialect) uint64 {
	if _, ok := d.(*dashwire); ok {
		return 1 // making it was an entry
	}
	return 0
}
