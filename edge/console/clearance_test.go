package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/lane/booth"
)

// someBooths are booths by hand.
type someBooths struct {
	told []string // what officers did
	err  error
}

func (s *someBooths) States() []booth.State {
	reason := &observation.ClearanceReason{
		Code: "ALARM", Outcome: "HOLD", Exams: []string{"RPM"}, Rows: []int64{7},
		Text: driver.EncodeMessage(message.New("booth.no-reason")),
	}
	held := &observation.ClearanceDecision{
		Presentation: "lane-1-1", Revision: 2, Lane: "lane-1", Outcome: "HOLD", Decided: "HOLD", Plates: []string{"BKL7302"},
		Reasons: []*observation.ClearanceReason{reason}, NowNs: time.Unix(5, 0).UnixNano(),
		Shipments: []*observation.ShipmentDecision{{Importer: "123456782RM0001", Class: "csa", Outcome: "RELEASE"}},
		Lists:     []*observation.ListInForce{{List: "drivers", Version: 12, IssuedNs: time.Unix(1, 0).UnixNano()}},
	}
	return []booth.State{{
		Lane: "lane-1", Current: held, Begun: time.Unix(4, 0), Keyed: true,
		Outputs: []booth.OutputState{
			{Device: "io-1", Output: "barrier", Problem: message.Errorf("output.no-answer", message.String("output", "barrier"))},
		},
		Last: []*observation.ClearanceDecision{{Presentation: "lane-1-0", Outcome: "RELEASE", Decided: "REFER", OverriddenBy: "4127", Ended: true}},
	}}
}

func (s *someBooths) Override(_ context.Context, presentation string, revision uint32, outcome, by, reason string) error {
	s.told = append(s.told, fmt.Sprint(presentation, " ", revision, " ", outcome, " ", by, " ", reason))
	return s.err
}

func (s *someBooths) Key(_ context.Context, lane, code, again, as string) error {
	s.told = append(s.told, fmt.Sprint(lane, " ", code, " ", again, " ", as))
	return s.err
}

func TestClearanceShown(t *testing.T) {
	g := newGuarded(t)
	b := g.browser()
	b.signIn("viewer", "correct horse")
	code, text := b.ask(http.MethodGet, "/v1/clearance", "")
	for _, want := range []string{
		`"outcome":"HOLD"`, `"called":{"en":"HOLD","fr":"RETENIR"}`, `"plates":["BKL7302"]`, `"fr":"il faut un motif`,
		`"class":"csa"`, `"version":12`, `"overridden_by":"4127"`, `"begun":"1970-01-01T00:00:04Z"`, `"keyed":true`,
		`"output":"barrier","value":"","problem":{"code":"output.no-answer"`,
	} {
		if code != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%d %s\nlacks %s", code, text, want)
		}
	}
}

func TestOfficerOverridesAndKeys(t *testing.T) {
	g := newGuarded(t)
	b := g.browser()
	b.signIn("officer", "correct horse")
	body := `{"presentation":"lane-1-1","revision":2,"outcome":"RELEASE","reason":"papers seen","by":"somebody else"}`
	if code, text := b.ask(http.MethodPost, "/v1/clearance/overrides", body); code != http.StatusOK {
		t.Fatal(code, text)
	}
	if code, text := b.ask(http.MethodPost, "/v1/clearance/codes", `{"lane":"lane-1","code":"8080","again":"8080","as":"carrier-code"}`); code != http.StatusOK {
		t.Fatal(code, text)
	}
	want := []string{"lane-1-1 2 RELEASE officer papers seen", "lane-1 8080 8080 carrier-code"}
	if fmt.Sprint(g.booths.told) != fmt.Sprint(want) {
		t.Errorf("told %q", g.booths.told)
	}
	g.audited("override", "lane-1-1")
	g.audited("code", "lane lane-1")
	g.booths.err = errors.New("revised")
	if code, text := b.ask(http.MethodPost, "/v1/clearance/overrides", body); code != http.StatusConflict && code != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", code, text)
	}
	body = `{"presentation":"lane-1-1","revision":2,"outcome":"RELEASE"}`
	if code, text := b.ask(http.MethodPost, "/v1/clearance/overrides", body); code != http.StatusBadRequest {
		t.Errorf("without a reason: %d %s", code, text)
	}
}
