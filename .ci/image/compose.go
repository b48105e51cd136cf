package main

import (
	"context"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// loadCompose reads a compose file as docker compose does, against the schema of its specification, with the values
// that its prepare would have written.
func loadCompose(file string) (*types.Project, error) {
	options, err := cli.NewProjectOptions([]string{file},
		cli.WithEnv([]string{"LANEWARDEN_VERSION=try", "LANEWARDEN_USER=65532:65532"}))
	if err != nil {
		return nil, err
	}
	return options.LoadProject(context.Background())
}

// mountedAt returns whether a volume is mounted at a path.
func mountedAt(path string) func(types.ServiceVolumeConfig) bool {
	return func(v types.ServiceVolumeConfig) bool { return v.Target == path }
}
