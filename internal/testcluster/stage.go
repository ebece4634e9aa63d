package testcluster

import (
	"context"
	"errors"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

// ApplyStages applies kwok Stages for pods and returns when kwok follows them,
// so that they hold for every pod created after. They are deleted when tb ends.
//
// A Stage with a weight above 0 wins over kwok's own ones, which have none,
// while its selector matches. Afterwards kwok makes a pod Ready that has no
// podIP yet: a status that is to last sets one. A Stage holds for the whole
// cluster: its name must be the test's own, and its selector should name the
// test's namespace or a label.
func (c *Cluster) ApplyStages(tb testing.TB, stages []byte) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), applyTimeout)
	defer cancel()
	objects, err := decode(stages)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.deleteAll(context.Background(), objects); err != nil {
			tb.Error(err)
		}
	})
	if err := c.applyAll(ctx, objects); err != nil {
		tb.Fatal(err)
	}
	if err := c.awaitStages(ctx); err != nil {
		tb.Fatal(err)
	}
}

// awaitStages waits until kwok follows all Stages applied before. kwok does
// not tell; but it sees Stages in their order, so a last one that deletes a
// certain pod proves that the ones before have arrived.
func (c *Cluster) awaitStages(ctx context.Context) error {
	core, err := typedcorev1.NewForConfig(c.config)
	if err != nil {
		return err
	}
	pods := core.Pods(metav1.NamespaceDefault)
	var pod *corev1.Pod
	err = c.await(ctx, "a pod in the namespace default", func(ctx context.Context) (err error) {
		pod, err = pods.Create(ctx, canaryPod(), metav1.CreateOptions{})
		return err // at first: the service account default is missing
	})
	if err != nil {
		return err
	}
	canary, err := decode(canaryStage(pod.Name))
	if err != nil {
		return err
	}
	if err := c.applyAll(ctx, canary); err != nil {
		return err
	}
	// kwok looks at a pod again only when the pod has changed.
	changes := 0
	err = c.await(ctx, "kwok to follow the stages", func(ctx context.Context) error {
		changes++
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"changes":"%d"}}}`, changes)
		_, err := pods.Patch(ctx, pod.Name, types.MergePatchType, patch, metav1.PatchOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(errors.New("the canary is still there"), err)
	})
	if err != nil {
		return err
	}
	return c.deleteAll(ctx, canary)
}

func canaryPod() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "canary-"},
		Spec: corev1.PodSpec{
			NodeName:   NodeName,
			Containers: []corev1.Container{{Name: "canary", Image: "canary"}},
		},
	}
}

// canaryStage deletes the pod of the same name, whatever state it is in.
func canaryStage(pod string) []byte {
	return fmt.Appendf(nil, `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: %[1]s}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
      - {key: .metadata.namespace, operator: In, values: [default]}
      - {key: .metadata.name, operator: In, values: [%[1]s]}
  weight: 1
  next: {delete: true}
`, pod)
}
