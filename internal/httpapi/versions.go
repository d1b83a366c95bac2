package httpapi

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/internal/wire"
)

// versionsPath is where the settings hold the names of versions: an object from
// version to {name, by, at}. Naming is an ordinary change of the settings, so everybody
// hears of it. Copies and imports begin without names, a restore keeps them.
const versionsPath board.Pointer = "/versions"

// maxVersionName is the longest name of a version, in bytes.
const maxVersionName = 200

// named is a version with a name.
type named struct {
	Version uint64 `json:"version"`
	Name    string `json:"name"`
	By      string `json:"by"`
	At      string `json:"at"`
}

// listVersions answers the versions that have names, the newest first.
func (q *request) listVersions() *problem {
	id, p := q.dashboardID()
	if p != nil {
		return p
	}
	state, _, p := q.visible(id, auth.Viewer)
	if p != nil {
		return p
	}
	_, head := state.Head()
	list := []named{}
	names, _ := state.Settings().Get(versionsPath)
	for key, v := range names.Members() {
		n := named{}
		version, ok := parseVersion(key)
		// People may write what they like into the settings.
		if !ok || version > head || jsontext.Decode([]byte(v), &n) != nil {
			continue
		}
		n.Version = version
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b named) int {
		switch {
		case a.Version > b.Version:
			return -1
		case a.Version < b.Version:
			return 1
		}
		return 0
	})
	return q.answerValue(http.StatusOK, struct {
		Versions []named `json:"versions"`
	}{list})
}

// nameBody is the body of PUT /api/dashboards/{id}/versions/{version}.
type nameBody struct {
	Name *string `json:"name"`
}

// nameVersion gives a version a name.
func (q *request) nameVersion() *problem {
	id, p := q.dashboardID()
	if p != nil {
		return p
	}
	var body nameBody
	if p := q.decode(&body, q.api.cfg.Limits.MessageBytes, false); p != nil {
		return p
	}
	if body.Name == nil || *body.Name == "" || len(*body.Name) > maxVersionName {
		return problemf(board.CodeInvalidValue, "a version's name has 1 to %d bytes: send one", maxVersionName).at("name")
	}
	version, p := q.pathVersion()
	if p != nil {
		return p
	}
	state, p := q.existing(id, auth.Editor)
	if p != nil {
		return p
	}
	if _, head := state.Head(); version < 1 || version > head {
		return problemf(board.CodeBadVersion, "version %d is not there; the newest is %d", version, head)
	}
	name := (&payload{text: []byte{'{'}}).str("name", *body.Name).str("by", q.principal.UserID).
		str("at", q.api.cfg.Clock.Now().UTC().Format(timeFormat))
	value, err := name.end()
	if err != nil {
		return refused(err)
	}
	key := strconv.FormatUint(version, 10)
	set := newPayload(id).value("set", board.Value(`{"`+string(versionsPath)+"/"+key+`":`+string(value)+"}"))
	// The moment is no part of what was asked for: sent again, it is the same op (M8).
	asked := newPayload(id).str("name", *body.Name).uint("version", version)
	return q.rename(id, set, asked)
}

// unnameVersion takes a version's name away.
func (q *request) unnameVersion() *problem {
	id, p := q.dashboardID()
	if p != nil {
		return p
	}
	version, p := q.pathVersion()
	if p != nil {
		return p
	}
	if _, p := q.existing(id, auth.Editor); p != nil {
		return p
	}
	key := strconv.FormatUint(version, 10)
	unset := newPayload(id).value("unset", board.Value(`["`+string(versionsPath)+"/"+key+`"]`))
	return q.rename(id, unset, newPayload(id).uint("version", version))
}

// rename changes the settings; the op's hash is over what was asked for.
func (q *request) rename(id string, change, asked *payload) *problem {
	text, err := asked.end()
	if err != nil {
		return refused(err)
	}
	hash := wire.HashOp(board.TypeSettings, text)
	return q.operate(board.TypeSettings, id, change, func(op *board.Op) { op.Hash = hash })
}
