package testcluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// kwokCRDs are the kinds that kwok watches in the cluster, so that a test can
// add to them while the cluster runs:
//
//   - a Stage decides what becomes of a pod: ApplyStages.
//   - Logs (ClusterLogs) name the file, in CRI log format, that is the log of
//     a pod (of all selected pods): ApplyManifest.
//   - PortForward (ClusterPortForward) says which address a port-forward to a
//     pod (to all selected pods) really reaches: ApplyManifest.
//
// kwok sees them a moment after they were applied. ApplyStages waits for that;
// the first request for a log or a port-forward has to be repeated.
//
// See https://kwok.sigs.k8s.io/docs/user/configuration/.
var kwokCRDs = []string{"Stage", "Logs", "ClusterLogs", "PortForward", "ClusterPortForward"}

// kwokManifests are the files of kwok's module that every cluster gets. The
// Stages make a node Ready and keep it so, make a pod that is bound to it Ready
// at once, make the pod of a Job succeed, and let a deleted pod go away.
var kwokManifests = map[string][]string{
	"crds": {
		"kustomize/crd/bases/kwok.x-k8s.io_stages.yaml",
		"kustomize/crd/bases/kwok.x-k8s.io_logs.yaml",
		"kustomize/crd/bases/kwok.x-k8s.io_clusterlogs.yaml",
		"kustomize/crd/bases/kwok.x-k8s.io_portforwards.yaml",
		"kustomize/crd/bases/kwok.x-k8s.io_clusterportforwards.yaml",
	},
	"stages": {
		"kustomize/stage/node/fast/node-initialize.yaml",
		"kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
		"kustomize/stage/pod/fast/pod-ready.yaml",
		"kustomize/stage/pod/fast/pod-complete.yaml",
		"kustomize/stage/pod/fast/pod-delete.yaml",
	},
}

// copyKwokManifests copies kwokManifests from the module cache to directories
// below dir, because a later start may have no Go module cache.
func copyKwokManifests(ctx context.Context, module, dir string) error {
	out, err := runGo(ctx, module, "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok")
	if err != nil {
		return err
	}
	for kind, files := range kwokManifests {
		target := filepath.Join(dir, kind)
		if err := os.Mkdir(target, 0o755); err != nil {
			return err
		}
		for _, file := range files {
			data, err := os.ReadFile(filepath.Join(strings.TrimSpace(out), filepath.FromSlash(file)))
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(target, filepath.Base(file)), data, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// startKwok runs kwok as the kubelet of all nodes.
func (c *Cluster) startKwok(ctx context.Context, l layout) error {
	for _, kind := range []string{"crds", "stages"} {
		if err := c.ApplyDir(ctx, filepath.Join(l.bin, kind)); err != nil {
			return fmt.Errorf("kwok: %w", err)
		}
	}
	return c.launch(l, "kwok", kwokArgs(l))
}

// kwokArgs also has kwok serve the kubelet's API (logs, port-forward) at the
// address of its nodes.
func kwokArgs(l layout) []string {
	return []string{
		"--kubeconfig=" + l.file("kwok.kubeconfig"),
		"--manage-all-nodes",
		"--enable-crds=" + strings.Join(kwokCRDs, ","),
		"--cidr=10.1.0.0/16",
		"--node-ip=127.0.0.1",
		"--node-port=" + strconv.Itoa(l.kubeletPort),
		"--server-address=127.0.0.1:" + strconv.Itoa(l.kubeletPort),
		"--tls-cert-file=" + l.file("server.crt"),
		"--tls-private-key-file=" + l.file("server.key"),
		"--node-lease-duration-seconds=40",
	}
}
