package rollout

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/drivers/observation"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/orders"
)

// agents are n agents of a site.
func agents(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprint("lane-", i+1))
	}
	return names
}

func TestStages(t *testing.T) {
	begun := time.Now()
	r := &Rollout{Bundle: "config-7", Site: "demo", Percent: []int{10, 50, 100}, Soak: "1h", State: Running, Begun: begun}
	heard := map[string]Agent{}
	say := func(step string, at time.Time, names ...string) {
		for _, name := range names {
			heard["demo/"+name] = Agent{Bundle: "bundles/demo/" + name + "/config-7", Step: step, Heard: at}
		}
	}
	fleet := agents(12)
	say("healthy", begun.Add(-time.Hour), fleet...) // of an earlier rollout of the same bundle: does not count
	r.step(begun, fleet, heard)
	canaries := slices.Clone(r.Turn)
	if len(canaries) != 2 {
		t.Fatalf("10 %% of 12: %v", canaries)
	}
	say("switched", begun, canaries...)
	say("healthy", begun, canaries[0])
	if r.step(begun.Add(2*time.Hour), fleet, heard) {
		t.Error("it goes on although a lane has not said that it works")
	}
	say("healthy", begun.Add(time.Hour), canaries[1])
	if r.step(begun.Add(2*time.Hour-1), fleet, heard) {
		t.Error("it goes on before the soak time is over")
	}
	if !r.step(begun.Add(2*time.Hour), fleet, heard) || len(r.Turn) != 6 || !slices.Equal(r.Turn[:2], canaries) {
		t.Fatalf("50 %% of 12: %v", r.Turn)
	}
	say("healthy", begun.Add(3*time.Hour), r.Turn...)
	if !r.step(begun.Add(4*time.Hour), fleet, heard) || len(r.Turn) != 12 || r.State != Running {
		t.Fatalf("100 %%: %v %s", r.Turn, r.State)
	}
	say("healthy", begun.Add(5*time.Hour), fleet...)
	if !r.step(begun.Add(6*time.Hour), fleet, heard) || r.State != Done || !r.gives("a lane of tomorrow") {
		t.Errorf("in the end: %s", r.State)
	}
}

// The same lanes come first however often it is asked, and others for another bundle.
func TestOrder(t *testing.T) {
	first := func(bundle string) string {
		r := &Rollout{Bundle: bundle, Site: "demo"}
		fleet := agents(100)
		slices.Reverse(fleet)
		if !slices.Equal(r.order(fleet), r.order(agents(100))) {
			t.Error("the order depends on that of the fleet")
		}
		return r.order(fleet)[0]
	}
	if a, b := first("config-1"), first("config-2"); a == b {
		t.Errorf("%s comes first for each bundle", a)
	}
}

func TestStopsItself(t *testing.T) {
	for _, step := range []string{"refused", "reverted"} {
		r := &Rollout{Bundle: "config-7", Site: "demo", Percent: []int{100}, Soak: "0s", State: Running}
		heard := map[string]Agent{"demo/lane-1": {Bundle: "bundles/demo/config-6", Step: step, Heard: time.Now()}}
		if r.step(time.Now(), agents(2), heard); r.State != Running {
			t.Error("another bundle's end stops it")
		}
		heard["demo/lane-2"] = Agent{Bundle: "bundles/demo/config-7", Step: step, Heard: time.Now()}
		if !r.step(time.Now(), agents(2), heard) || r.State != Stopped || r.gives("lane-1") || r.Message.FR == "" {
			t.Errorf("%s: %+v", step, r)
		}
	}
}

func TestAllows(t *testing.T) {
	b := Book{Rollouts: []*Rollout{
		{Bundle: "config-7", Site: "demo", State: Running, Turn: []string{"lane-1"}},
		{Bundle: "config-6", Site: "demo", State: Done},
		{Bundle: "config-5", Site: "demo", State: Stopped, Turn: []string{"lane-1"}},
	}}
	for _, c := range []struct {
		file  string
		agent string
		want  bool
	}{
		{"timestamp.json", "lane-2", true},
		{"targets/lists/targets/abc.1.full", "lane-2", true},
		{"targets/bundles/demo/abc.config-7", "lane-1", true},
		{"targets/bundles/demo/abc.config-7", "lane-2", false},
		{"targets/bundles/demo/lane-1/abc.config-7", "lane-1", true},
		{"targets/bundles/demo/lane-1/abc.config-6", "lane-2", false}, // another agent's
		{"targets/bundles/demo/abc.config-6", "lane-2", true},
		{"targets/bundles/demo/abc.config-5", "lane-1", false},
		{"targets/bundles/demo/abc.config-8", "lane-1", false},
		{"targets/bundles/other/abc.config-7", "lane-1", false},
		{"targets/bundles/abc", "lane-1", false},
	} {
		if got := b.Allows(c.file, "demo", c.agent); got != c.want {
			t.Errorf("%s for %s: %v", c.file, c.agent, got)
		}
	}
}

// What people ask for that cannot be is refused in words; what is stopped can begin anew.
func TestStartAndStop(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "orders")
	refused := func(code string, err error) {
		t.Helper()
		if !message.Of(err).Is(code) {
			t.Errorf("want %s: %v", code, err)
		}
	}
	refused("orders.no-repository", Stop(dir, "config-7", "demo", "kay"))
	r := orders.At(dir)
	files, _, err := r.Init(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	var keys []orders.Key
	for _, f := range files {
		k, err := orders.ReadKey(f, nil)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	refused("bundle.unpublished", Start(dir, "config-7", "demo", []int{100}, 0, "kay"))
	if done, err := r.Publish([]orders.File{{Path: "bundles/demo/config-7", From: files[0]}}, nil, keys); err != nil || !done {
		t.Fatal(done, err)
	}
	for _, percent := range [][]int{nil, {0}, {101}, {50, 50}, {50, 10}} {
		refused("bundle.percent", Start(dir, "config-7", "demo", percent, 0, "kay"))
	}
	refused("bundle.no-rollout", Stop(dir, "config-7", "demo", "kay"))
	refused("bundle.no-rollout", GoOn(dir, "config-7", "demo", []string{"lane-1"}, "kay"))
	for range 2 {
		if err := Start(dir, "config-7", "demo", []int{10, 100}, time.Hour, "kay"); err != nil {
			t.Fatal(err)
		}
		refused("bundle.not-its-turn", GoOn(dir, "config-7", "demo", []string{"lane-1"}, "kay"))
		refused("bundle.rolling", Start(dir, "config-7", "demo", []int{100}, 0, "kay"))
		if err := Stop(dir, "config-7", "demo", "kay"); err != nil {
			t.Fatal(err)
		}
	}
	b, err := Read(dir)
	if err != nil || len(b.Rollouts) != 1 || b.Rollouts[0].State != Stopped || b.Rollouts[0].Why != "stopped by hand" {
		t.Errorf("the book: %+v %v", b, err)
	}
	if _, err := os.Stat(filepath.Join(dir, bookFile)); errors.Is(err, fs.ErrNotExist) {
		t.Error("there is no book")
	}
}

// A rollout goes on without a lane that is away; when that comes back and gives the bundle up, the rollout stops all the same.
func TestGoesOnWithout(t *testing.T) {
	now := time.Now()
	r := &Rollout{Bundle: "config-7", Site: "demo", Percent: []int{50, 100}, Soak: "0s", State: Running, Begun: now}
	heard, fleet := map[string]Agent{}, agents(4)
	r.step(now, fleet, heard)
	away, there := r.Turn[0], r.Turn[1]
	heard["demo/"+there] = Agent{Bundle: "bundles/demo/config-7", Step: "healthy", Heard: now}
	if r.step(now, fleet, heard) {
		t.Fatal("it does not wait for a lane that is away")
	}
	r.Without = []string{away}
	if !r.step(now, fleet, heard) || len(r.Turn) != 4 || !r.gives(away) {
		t.Fatalf("it does not go on: %+v", r)
	}
	heard["demo/"+away] = Agent{Bundle: "bundles/demo/config-7", Step: "reverted", Heard: now}
	if !r.step(now, fleet, heard) || r.State != Stopped {
		t.Errorf("it does not stop: %+v", r)
	}
}

// What an agent says is said in the reader's language, and what an unknown version says as it is; who sees one site is told
// of that alone.
func TestBookOfASite(t *testing.T) {
	words := "the agent ended while it was on trial"
	known := said(&observation.BundleState{Text: words, Message: &observation.Message{Code: "bundle.died"}}, time.Now())
	if got := known.Text.In(message.French); got != "l’agent s’est arrêté pendant l’essai" {
		t.Error(got)
	}
	unknown := said(&observation.BundleState{Text: words}, time.Now())
	if got := unknown.Text.In(message.French); got != words {
		t.Error(got)
	}
	all := Book{
		Rollouts: []*Rollout{{Bundle: "a-1", Site: "demo"}, {Bundle: "a-1", Site: "other"}},
		Agents:   map[string]Agent{"demo/lane-1": known, "other/lane-1": unknown}, Acts: []Act{{By: "kay"}},
	}
	b := all.Of(func(site string) bool { return site == "demo" })
	if len(b.Rollouts) != 1 || b.Rollouts[0].Site != "demo" || len(b.Agents) != 1 || b.Agents["demo/lane-1"] != known || b.Acts != nil {
		t.Errorf("%+v", b)
	}
}

// noted is a journal in memory.
type noted struct {
	all  []string
	fail error
}

func (n *noted) Note(_ context.Context, u api.User, action string, what message.Message) error {
	if n.fail != nil {
		return n.fail
	}
	n.all = append(n.all, u.Name+" "+action+": "+what.English())
	return nil
}

// What people did, and that a rollout stopped by itself, is journalled once, in order, also when the journal could not be
// written at first.
func TestActsAreJournalled(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := orders.At(dir).Init(t.TempDir(), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := change(dir, func(b *Book) (bool, error) {
		b.add(Act{By: "kay", What: "start", Bundle: "config-7", Site: "demo"})
		b.add(Act{By: "lee", What: "go-on", Bundle: "config-7", Site: "demo", Lanes: []string{"lane-1", "lane-2"}})
		b.add(Act{By: "kay", What: "stop", Bundle: "config-7", Site: "demo"})
		b.Rollouts = []*Rollout{{Bundle: "config-8", Site: "demo", Percent: []int{100}, Soak: "0s", State: Running}}
		b.Agents["demo/lane-1"] = Agent{Bundle: "bundles/demo/config-8", Step: "reverted", Heard: time.Now()}
		for range 2 {
			b.step(time.Now(), []string{"demo/lane-1"})
		}
		return true, nil
	}); err != nil {
		t.Fatal(err)
	}
	j := &noted{fail: errors.New("the disk is full")}
	k := NewKeeper(dir, nil, j, nil)
	if err := k.noteActs(t.Context()); !errors.Is(err, j.fail) {
		t.Error(err)
	}
	j.fail = nil
	for range 2 {
		if err := k.noteActs(t.Context()); err != nil {
			t.Error(err)
		}
	}
	want := []string{
		"kay rollout: rollout of config-7 at demo started", "lee rollout: rollout of config-7 at demo goes on without lane-1, lane-2",
		"kay rollout: rollout of config-7 at demo stopped",
		"lanehub rollout: rollout of config-8 at demo stopped by itself: lane-1 tried it and went back",
	}
	if !slices.Equal(j.all, want) {
		t.Errorf("journalled: %q", j.all)
	}
}
