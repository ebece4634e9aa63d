package k8s

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/openchoreo/backstage-setup/internal/testcluster"
)

// BenchmarkDiscover looks at a small namespace and at one with 10,000 Secrets and
// 5,000 Pods: requests and bytes are to be the same.
func BenchmarkDiscover(b *testing.B) {
	cluster := testcluster.Shared(b)
	for _, size := range []struct{ secrets, pods int }{{10, 5}, {10_000, 5_000}} {
		ns := cluster.Namespace(b)
		fill(b, cluster, ns, size.secrets, size.pods)
		b.Run(fmt.Sprintf("secrets=%d/pods=%d", size.secrets, size.pods), func(b *testing.B) {
			seen := &recorder{}
			c := openAs(b, cluster.Kubeconfig, seen.wrap)
			for b.Loop() {
				if found := c.Discover(b.Context(), Query{Namespace: ns, Release: "cp"}); found.Server.Err != nil {
					b.Fatal(found.Server.Err)
				}
			}
			b.ReportMetric(float64(len(seen.requests()))/float64(b.N), "requests/op")
			b.ReportMetric(float64(seen.bytes())/float64(b.N), "answer-bytes/op")
		})
	}
}

// fill makes what others have in a namespace: Secrets of 1 KiB, and Pods that no
// node runs.
func fill(b *testing.B, cluster *testcluster.Cluster, ns string, secrets, pods int) {
	b.Helper()
	config := cluster.Config()
	config.QPS, config.Burst = -1, -1
	core, err := typedcorev1.NewForConfig(config)
	if err != nil {
		b.Fatal(err)
	}
	each := func(n int, create func(ctx context.Context, i int) error) {
		numbers := make(chan int)
		var wait sync.WaitGroup
		for range 16 {
			wait.Go(func() {
				for i := range numbers {
					if err := create(b.Context(), i); err != nil {
						b.Error(err)
					}
				}
			})
		}
		for i := range n {
			numbers <- i
		}
		close(numbers)
		wait.Wait()
	}
	each(secrets, func(ctx context.Context, i int) error {
		s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("other-%d", i)}, StringData: map[string]string{"data": strings.Repeat("x", 1024)}}
		_, err := core.Secrets(ns).Create(ctx, s, metav1.CreateOptions{})
		return err
	})
	each(pods, func(ctx context.Context, i int) error {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("other-%d", i)}, Spec: corev1.PodSpec{
			NodeSelector: map[string]string{"none": "there"}, Containers: []corev1.Container{{Name: "c", Image: "x"}},
		}}
		_, err := core.Pods(ns).Create(ctx, pod, metav1.CreateOptions{})
		return err
	})
}
