package httpapi

// access says who may use a route.
type access int

const (
	forProbes access = iota // no credentials are looked at, and nothing is counted
	forAll                  // no credentials are looked at
	forUsers                // somebody has signed in
	forAdmins               // operators (H4)
)

// route is one method of one path. Handlers return what refuses the request, or nil
// once they have answered.
type route struct {
	method  string
	pattern string // of http.ServeMux
	access  access
	handle  func(*request) *problem
}

// routes is the whole interface; openapi.json describes each of them.
var routes = []route{
	{"GET", "/api/realtime", forAll, (*request).realtime}, // looks at credentials itself (C2)
	{"POST", "/api/realtime", forUsers, (*request).sync},
	{"GET", "/api/realtime/events", forUsers, (*request).events},

	{"POST", "/api/sign-in", forAll, (*request).signInByCookie}, // looks at the token in its body (H7)
	{"POST", "/api/sign-out", forAll, (*request).signOut},

	{"GET", "/api/dashboards", forUsers, (*request).listDashboards},
	{"POST", "/api/dashboards", forUsers, (*request).createDashboard},
	{"POST", "/api/dashboards/import", forUsers, (*request).importDashboard},
	{"GET", "/api/dashboards/{id}", forUsers, (*request).getDashboard},
	{"DELETE", "/api/dashboards/{id}", forUsers, (*request).deleteDashboard},
	{"POST", "/api/dashboards/{id}/undelete", forUsers, (*request).undelete},
	{"POST", "/api/dashboards/{id}/duplicate", forUsers, (*request).duplicate},
	{"POST", "/api/dashboards/{id}/restore", forUsers, (*request).restore},
	{"GET", "/api/dashboards/{id}/export", forUsers, (*request).exportDashboard},
	{"GET", "/api/dashboards/{id}/history", forUsers, (*request).history},
	{"GET", "/api/dashboards/{id}/audit", forUsers, (*request).auditDashboard},
	{"GET", "/api/dashboards/{id}/versions", forUsers, (*request).listVersions},
	{"GET", "/api/dashboards/{id}/versions/{version}", forUsers, (*request).getVersion},
	{"PUT", "/api/dashboards/{id}/versions/{version}", forUsers, (*request).nameVersion},
	{"DELETE", "/api/dashboards/{id}/versions/{version}", forUsers, (*request).unnameVersion},

	{"PATCH", "/api/dashboards/{id}/settings", forUsers, (*request).patchSettings},
	{"PUT", "/api/dashboards/{id}/layouts/{breakpoint}", forUsers, (*request).putLayout},
	{"PATCH", "/api/dashboards/{id}/layouts/{breakpoint}", forUsers, (*request).patchLayout},
	{"PUT", "/api/dashboards/{id}/widgets/{widget}", forUsers, (*request).putWidget},
	{"PATCH", "/api/dashboards/{id}/widgets/{widget}", forUsers, (*request).patchWidget},
	{"DELETE", "/api/dashboards/{id}/widgets/{widget}", forUsers, (*request).deleteWidget},
	{"PUT", "/api/dashboards/{id}/widgets/{widget}/data", forUsers, (*request).putData},

	{"GET", "/api/stats", forAdmins, (*request).stats},
	{"GET", "/metrics", forAdmins, (*request).metrics},
	{"POST", "/api/admin/messages", forAdmins, (*request).sendMessage},
	{"POST", "/api/admin/rights", forAdmins, (*request).rereadRights},
	{"POST", "/api/admin/revoke", forAdmins, (*request).revoke},
	{"GET", "/api/admin/audit", forAdmins, (*request).auditAll},
	{"GET", "/api/admin/sessions", forAdmins, (*request).listSessions},
	{"DELETE", "/api/admin/sessions/{session}", forAdmins, (*request).disconnect},
	{"GET", "/api/admin/webhooks", forAdmins, (*request).listWebhooks},
	{"POST", "/api/admin/webhooks/{target}/enable", forAdmins, (*request).enableWebhook},
	{"GET", "/api/admin/webhooks/{target}/dead", forAdmins, (*request).listDead},
	{"POST", "/api/admin/webhooks/{target}/dead/retry", forAdmins, (*request).retryAllDead},
	{"GET", "/api/admin/webhooks/{target}/dead/{message}", forAdmins, (*request).getDead},
	{"DELETE", "/api/admin/webhooks/{target}/dead/{message}", forAdmins, (*request).dropDead},
	{"POST", "/api/admin/webhooks/{target}/dead/{message}/retry", forAdmins, (*request).retryDead},

	{"GET", "/healthz", forProbes, (*request).healthz},
	{"GET", "/readyz", forProbes, (*request).readyz},
	{"GET", "/api/openapi.json", forAll, (*request).openAPI},
}
