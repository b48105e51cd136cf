package simulate

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lanewarden/cmd/internal/agent"
	"lanewarden/cmd/internal/scenario"
	"lanewarden/edge/lane"
	"lanewarden/edge/lane/liststore"
	firmwareconfig "lanewarden/firmware-config"
	"lanewarden/firmware-config/lists"
)

// giveLists puts the lists of the scenarios' trade in force at a site, as of now, as the centre would. The agent does not
// run yet.
func (s *site) giveLists(ctx context.Context) (err error) {
	store, err := liststore.Open(filepath.Join(s.dir, "agent", agent.ListsName))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	now := time.Now()
	trade := scenario.NewTrade(now)
	for _, kind := range lists.Kinds() {
		if err := install(ctx, store, trade, kind, now); err != nil {
			return err
		}
	}
	return nil
}

// install puts one list in force.
func install(ctx context.Context, store *liststore.Store, trade *scenario.Trade, kind lists.Kind, now time.Time) error {
	f, err := os.CreateTemp("", "lanewarden-list-*")
	if err != nil {
		return err
	}
	defer func() {
		f.Close()
		os.Remove(f.Name())
	}()
	if err := trade.WriteList(f, kind, now.Unix(), now); err != nil {
		return err
	}
	if _, err := f.Seek(0, 0); err != nil {
		return err
	}
	_, err = store.Install(ctx, f)
	return err
}

// lenient makes a lane file name a policy that lets vehicles go although the clock is not disciplined, where this
// machine's is not: else nobody would be let go.
func (d *demo) lenient(s *site, text string) (string, error) {
	if (&lane.Clock{}).State().Synchronised || !strings.Contains(text, "policy: csa-land") {
		return text, nil
	}
	policy, _, err := firmwareconfig.ReadDocument(firmwareconfig.Policies, "csa-land")
	if err != nil {
		return "", err
	}
	const strict = "{code: CLOCK-UNTRUSTED, outcome: REFER, exams: [DOC]}"
	mild := strings.Replace(string(policy), strict, "{code: CLOCK-UNTRUSTED, outcome: RELEASE}", 1)
	path := filepath.Join(s.dir, "policy.yaml")
	d.p.Say("sim.clock-lenient")
	return strings.ReplaceAll(text, "policy: csa-land", "policy: "+path), os.WriteFile(path, []byte(mild), 0o640)
}
