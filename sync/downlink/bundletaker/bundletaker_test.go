package bundletaker

import (
	"log/slog"
	"testing"

	"lanewarden/edge/bundle"
	firmwareconfig "lanewarden/firmware-config"
	"lanewarden/sync/downlink"
)

// The newest that is for the agent is chosen, without those that the centre holds back in this look.
func TestChoose(t *testing.T) {
	store, err := bundle.Open(bundle.Options{Dir: t.TempDir(), File: &firmwareconfig.Config{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	taker := New(store, "demo", "lane-1")
	var published []downlink.Target
	for _, path := range []string{
		"bundles/demo/lane-2/config-9", "bundles/other/config-8", "bundles/demo/config-7", "bundles/demo/lane-1/config-7",
		"bundles/demo/lane-1/config-6", "bundles/demo/none",
	} {
		published = append(published, downlink.Target{Path: path})
	}
	published = append(published, downlink.Target{Path: "bundles/demo/config-12", Site: "demo"})
	for _, want := range []string{"bundles/demo/lane-1/config-7", "bundles/demo/config-7", "bundles/demo/lane-1/config-6", ""} {
		got, any := taker.Choose(published)
		if got.Path != want || any != (want != "") {
			t.Errorf("chose %q, want %q", got.Path, want)
		}
		if any {
			taker.Withheld(got)
		}
	}
	if got, _ := taker.Choose(published); got.Path != "bundles/demo/lane-1/config-7" {
		t.Errorf("in the next look: %q", got.Path)
	}
	older := downlink.Target{SHA256: []byte("older")}
	if err := store.Order(older.SHA256); err != nil {
		t.Fatal(err)
	}
	older.Path = "bundles/demo/config-1"
	if got, _ := taker.Choose([]downlink.Target{older}); got.Path != older.Path {
		t.Error("a bundle that was ordered is not chosen")
	}
}
