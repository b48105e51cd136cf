package console

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/observation"
	"lanewarden/edge/accounts"
	"lanewarden/edge/api"
	"lanewarden/edge/journal"
)

// barrier is a device with an output, and the driver of the guarded console.
type barrier struct {
	pulse
	set chan string // values that were set
}

// OutputNames implements driver.Commander.
func (b barrier) OutputNames() []string { return []string{"barrier"} }

// Command implements driver.Commander.
func (b barrier) Command(_ context.Context, _, value, _ string) error {
	b.set <- value
	return nil
}

var _ driver.Commander = barrier{}

// TestEveryRouteIsServed holds what the console serves against the table: each operation once, and what changes
// something is an action that is audited.
func TestEveryRouteIsServed(t *testing.T) {
	var served, table []string
	for _, b := range (&Console{access: &access{}}).operations() {
		served = append(served, b.Pattern)
	}
	for _, o := range api.Agent() {
		route, _, _ := o.Describe()
		table = append(table, route.Pattern)
		changes := route.Method() != http.MethodGet
		if action := strings.Contains(reflect.TypeOf(o).String(), ".Action["); action != changes || changes != (route.Audit != "") {
			t.Errorf("%s: action %v, audited as %q", route.Pattern, action, route.Audit)
		}
	}
	slices.Sort(served)
	slices.Sort(table)
	if !slices.Equal(served, table) {
		t.Errorf("served %v\nin the table %v", served, table)
	}
}

// audited are, for each audited operation, the body of a request that would be done, and whether it was done.
var audited = map[string]struct {
	path, body string
	done       func(t *testing.T, g *guarded, b *browser) bool
}{
	"signIn": {body: `{"user":"viewer","password":"correct horse"}`, done: func(t *testing.T, g *guarded, b *browser) bool {
		_, text := b.ask(http.MethodGet, "/v1/session", "")
		return strings.Contains(text, `"viewer"`)
	}},
	"signOut": {done: func(t *testing.T, g *guarded, b *browser) bool {
		code, _ := b.ask(http.MethodGet, "/v1/status", "")
		return code == http.StatusUnauthorized
	}},
	"correctPassage": {
		body: `{"idx":1,"to":"b","reason":"r","by":"b"}`,
		done: func(t *testing.T, g *guarded, b *browser) bool { return len(g.vehicles.told) > 0 },
	},
	"overrideDecision": {
		body: `{"presentation":"lane-1-1","revision":1,"outcome":"HOLD","reason":"r"}`,
		done: func(t *testing.T, g *guarded, b *browser) bool { return len(g.booths.told) > 0 },
	},
	"actInCase": {
		path: "/v1/cases/" + caseID + "/events", body: `{"action":"take"}`,
		done: func(t *testing.T, g *guarded, b *browser) bool { return len(g.cases.acts) > 0 },
	},
	"addPhoto": {
		path: "/v1/cases/" + caseID + "/photos", body: smallPhoto(),
		done: func(t *testing.T, g *guarded, b *browser) bool { return len(g.cases.acts) > 0 },
	},
	"keyCode": {
		body: `{"lane":"lane-1","code":"8080","again":"8080"}`,
		done: func(t *testing.T, g *guarded, b *browser) bool { return len(g.booths.told) > 0 },
	},
	"setOutput": {
		path: "/v1/devices/dev-1/outputs", body: `{"output":"barrier","value":"on","reason":"r"}`,
		done: func(t *testing.T, g *guarded, b *browser) bool { return len(g.set) > 0 },
	},
	"maintainDevice": {
		path: "/v1/devices/dev-1/maintenance", body: `{"until":"2999-01-01T00:00:00Z","reason":"r"}`,
		done: func(_ *testing.T, g *guarded, _ *browser) bool { return g.console.Lane.Devices()[0].Maintenance != nil },
	},
	"endMaintenance": {
		path: "/v1/devices/dev-1/maintenance/end", body: `{"reason":"r"}`,
		done: func(*testing.T, *guarded, *browser) bool { return false }, // there is none to end
	},
	"startTest": {body: `{"device":"dev-1","test":"ask"}`, done: func(t *testing.T, g *guarded, b *browser) bool {
		run := g.tests.View()
		return run == nil || run.Verdict != "" || run.By != "technician"
	}},
	"answerTest": {body: `{"action":"abandon"}`, done: func(t *testing.T, g *guarded, b *browser) bool {
		return g.tests.View().Verdict != ""
	}},
	"takeOrders":  {body: `{"dir":"/mnt/usb"}`, done: func(_ *testing.T, g *guarded, _ *browser) bool { return len(g.imported) > 0 }},
	"takeReceipt": {body: `{"receipt":"r"}`, done: func(_ *testing.T, g *guarded, _ *browser) bool { return len(g.received) > 0 }},
	"erase": {body: `{"name":"QZKX482"}`, done: func(t *testing.T, g *guarded, _ *browser) bool {
		rows, err := g.console.Journal.Read(0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(rows, func(r journal.Row) bool { return r.Erased })
	}},
	// While another verification is under way, one that is begun is answered with a conflict.
	"verifyEvidence": {done: func(*testing.T, *guarded, *browser) bool { return false }},
}

// TestNotJournalledSoNotDone walks all audited operations with a journal that accepts nothing.
func TestNotJournalledSoNotDone(t *testing.T) {
	g := newGuarded(t)
	admin, technician := g.browser(), g.browser()
	admin.signIn("admin", "correct horse")
	technician.signIn("technician", "correct horse")
	if code, text := technician.ask(http.MethodPost, "/v1/tests", audited["startTest"].body); code != http.StatusOK {
		t.Fatal(code, text) // the test that answerTest is to end
	}
	g.console.verifying <- struct{}{}
	read := observation.New(observation.Class_CLASS_EVENT, time.Unix(1, 0), &observation.VehiclePlate{Plate: "QZKX482"})
	read.Device = "lpr-1" // for what erases
	if _, err := g.console.Journal.Commit(t.Context(), read); err != nil {
		t.Fatal(err)
	}
	g.full.Store(true)
	for _, o := range api.Agent() {
		route, _, _ := o.Describe()
		if route.Audit == "" {
			continue
		}
		one, ok := audited[route.ID]
		if !ok {
			t.Errorf("%s is audited, and this test has no request for it", route.ID)
			continue
		}
		if one.path == "" {
			one.path = route.Path()
		}
		code, text := admin.ask(route.Method(), one.path, one.body)
		if code != http.StatusServiceUnavailable || !strings.Contains(text, `"code":"not-journalled"`) {
			t.Errorf("%s: %d %s", route.ID, code, text)
		}
		if one.done(t, g, admin) {
			t.Errorf("%s was done", route.ID)
		}
	}
	g.full.Store(false)
	if code, text := admin.ask(http.MethodPost, "/v1/devices/dev-1/outputs", audited["setOutput"].body); code != http.StatusOK ||
		text != "done\n" || <-g.set != "on" {
		t.Errorf("with a journal: %d %s", code, text)
	}
}

// TestRolesOfTheTable walks all operations as a guest and with each role.
func TestRolesOfTheTable(t *testing.T) {
	g := newGuarded(t)
	for role := accounts.Nobody; role <= accounts.Admin; role++ {
		b := g.browser()
		if role > accounts.Nobody {
			b.signIn(role.String(), "correct horse")
		}
		b.csrf = "" // so that nothing is done: what changes something is refused for that at last
		for _, o := range api.Agent() {
			route, _, _ := o.Describe()
			if route.ID == "stream" && role >= route.Role {
				continue // it has no end
			}
			path := strings.NewReplacer("{device}", "none", "{id}", "none", "{sha256}", "none").Replace(route.Path())
			code, text := b.ask(route.Method(), path, "")
			refused := code == http.StatusUnauthorized || strings.Contains(text, `"code":"role-missing"`)
			if refused != (role < route.Role) {
				t.Errorf("%s as %s: %d %s", route.ID, role, code, text)
			}
		}
	}
}
