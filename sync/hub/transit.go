package hub

import (
	"lanewarden/drivers/observation"
	"lanewarden/sync/hub/views"
	"lanewarden/sync/wire/layout"
)

// seenBefore returns the last time that a container was where a lane asks for, nil for never.
func seenBefore(v *views.Views, q layout.Seen) (*observation.ClearanceSeen, error) {
	found, _, err := v.Passages(views.Search{
		Names: map[string]string{observation.ContainerName: q.Container}, Site: q.Site, From: q.From, To: q.Before,
	}, views.Place{}, 1)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	last := &found[0]
	return &observation.ClearanceSeen{Container: q.Container, Site: last.Site, Agent: last.Agent, AtNs: last.Document.OpenedNs}, nil
}
