package httpapi

import (
	"net/http"
	"strings"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

// widget is the dashboard and the widget that the path names, as the payload of an op.
func (q *request) widget() (dashboardID, widgetID string, content *payload, p *problem) {
	if dashboardID, p = q.dashboardID(); p != nil {
		return "", "", nil, p
	}
	if widgetID, p = q.pathID("widget", "widget"); p != nil {
		return "", "", nil, p
	}
	return dashboardID, widgetID, newPayload(dashboardID).str("widgetId", widgetID), nil
}

// putWidget creates or replaces a widget, and only creates it with If-None-Match: *
// (M9).
func (q *request) putWidget() *problem {
	dashboardID, _, content, p := q.widget()
	if p != nil {
		return p
	}
	v, p := q.object(q.api.cfg.Limits.MessageBytes, false, typeJSON)
	if p != nil {
		return p
	}
	if v.Depth() > board.MaxDepth {
		return tooDeep("")
	}
	content.value("value", v)
	only := strings.TrimSpace(strings.Join(q.r.Header.Values("If-None-Match"), ","))
	switch only {
	case "":
	case "*":
		content.value("create", "true")
	default:
		return problemf(board.CodeBadMessage, "If-None-Match is * here, for a widget that must not be there yet; for a version send If-Match").at("If-None-Match")
	}
	p = q.operate(board.TypeUpdate, dashboardID, content, func(op *board.Op) { op.Value = v })
	if p != nil && only != "" && p.err.Code == board.CodeExists {
		p = p.with(http.StatusPreconditionFailed)
	}
	return p
}

// patchWidget changes a widget by a merge patch (E6).
func (q *request) patchWidget() *problem {
	dashboardID, _, content, p := q.widget()
	if p != nil {
		return p
	}
	v, p := q.object(q.api.cfg.Limits.MessageBytes, false, typePatch, typeJSON)
	if p != nil {
		return p
	}
	return q.operate(board.TypeUpdate, dashboardID, content.value("changes", v), nil)
}

// deleteWidget deletes a widget.
func (q *request) deleteWidget() *problem {
	dashboardID, _, content, p := q.widget()
	if p != nil {
		return p
	}
	return q.operate(board.TypeDelete, dashboardID, content, nil)
}

// putData takes a live value in (W1): the body is that of WIDGET_DATA without the ids.
func (q *request) putData() *problem {
	_, _, content, p := q.widget()
	if p != nil {
		return p
	}
	v, p := q.object(2*wire.MaxDataBytes, false, typeJSON)
	if p != nil {
		return p
	}
	for key, member := range v.Members() {
		switch key {
		case "data", "mode", "window":
			content.value(key, member)
		default:
			return problemf(board.CodeBadMessage, "the member %s is unknown: send data, mode and window", shown(key))
		}
	}
	m, err := wire.Decode(newEnvelope(wire.TypeData, q.api.cfg.NewID(), content), q.api.cfg.Limits)
	if err == nil {
		err = q.api.cfg.Sessions.Feed(q.asking(), q.principal, m.Data)
	}
	if err != nil {
		return refused(err.At(bodyPath(err.Path)))
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// patchSettings changes the settings by a merge patch.
func (q *request) patchSettings() *problem {
	dashboardID, p := q.dashboardID()
	if p != nil {
		return p
	}
	v, p := q.object(q.api.cfg.Limits.MessageBytes, false, typePatch, typeJSON)
	if p != nil {
		return p
	}
	return q.operate(board.TypeSettings, dashboardID, newPayload(dashboardID).value("changes", v), nil)
}

// patchLayout moves what the body names (L1): the payload of LAYOUT_UPDATE.
func (q *request) patchLayout() *problem {
	return q.layout("moved", "items", "movedIds", "columns", "compact", "create")
}

// putLayout sets a whole grid: columns, compact, and items as they stand in a
// document. A breakpoint that is not there is made (L7).
func (q *request) putLayout() *problem {
	return q.layout("columns", "compact", "items")
}

func (q *request) layout(members ...string) *problem {
	dashboardID, p := q.dashboardID()
	if p != nil {
		return p
	}
	breakpoint, p := q.pathID("breakpoint", "breakpoint")
	if p != nil {
		return p
	}
	v, p := q.object(q.api.cfg.Limits.MessageBytes, false, typeJSON)
	if p != nil {
		return p
	}
	content := newPayload(dashboardID).str("breakpoint", breakpoint)
	put := q.r.Method == http.MethodPut
	if put {
		content.value("create", "true")
	}
	for key, member := range v.Members() {
		known := false
		for _, m := range members {
			known = known || m == key
		}
		switch {
		case !known:
			return problemf(board.CodeBadMessage, "the member %s is unknown: check its spelling", shown(key))
		case put && key == "items":
			content.value("moved", member)
		default:
			content.value(key, member)
		}
	}
	return q.operate(board.TypeLayout, dashboardID, content, nil)
}
