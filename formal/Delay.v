(* Delay laws in one form, and what bounds them by a sum over the types. The law of the checkers' `LAWS`. *)

Require Import Lra Lia Psatz.
From formal Require Export Sums.

(* E[T] = offset + direct E[S] + lambda (weight E[S^2] + constant) / (2 y), y = 1 - lambda (share0 T0 + share C) *)
Record form := Form { offset : R; direct : R; weight : R; constant : R; share0 : R; share : R }.

Definition idle_of L W ls := 1 - lambda W * (share0 L * T0 W + share L * thinking W ls).
Definition delay_of L W ls :=
  offset L + direct L * service W ls + lambda W * (weight L * square W ls + constant L) / (2 * idle_of L W ls).

Definition fifo := Form 0 1 1 0 1 1.
Definition sharing W sigma sigma0 :=
  let y0 := 1 - lambda W * sigma0 * T0 W in
  let K := T0 W + y0 / (lambda W * sigma) in
  Form (- (1 / (lambda W * sigma))) 0 0 (2 * K / lambda W) sigma0 sigma.
Definition flat W sigma0 := Form 0 (1 / (1 - lambda W * sigma0 * T0 W)) 0 0 sigma0 0.

(* that a workload's delay has this form *)
Definition obeys W L := 0 <= weight L /\ 0 <= constant L /\
  forall ls, length (types W) = length ls -> 0 < idle W ls -> idle W ls = idle_of L W ls /\ system_time W ls = delay_of L W ls.

Lemma service_parts : forall W ls, length (types W) = length ls -> service W ls = T0 W + thinking W ls.
Proof.
  intros W ls E. unfold service, T0, thinking, mean.
  rewrite (total_const _ _ (fun k => prior k * t0 k) _ (types W) ls eq_refl E).
  rewrite total_plus.
  apply total_eq. intros k l. unfold time. ring.
Qed.

Lemma obeys_fifo : forall W, server W = OneAtATime -> obeys W fifo.
Proof.
  intros W H. split; [simpl; lra|]. split; [simpl; lra|]. intros ls E Hy.
  assert (Hi : idle W ls = idle_of fifo W ls).
  { unfold idle, utilisation, idle_of. rewrite H, service_parts by assumption. simpl. ring. }
  split; [assumption|]. unfold system_time, delay_of. rewrite H, Hi in *. simpl. field. lra.
Qed.

Lemma obeys_sharing : forall W sigma sigma0, server W = Shares sigma sigma0 -> 0 < lambda W -> 0 < sigma ->
  0 <= constant (sharing W sigma sigma0) -> obeys W (sharing W sigma sigma0).
Proof.
  intros W sigma sigma0 H Hl Hs Hc. split; [simpl; lra|]. split; [assumption|]. intros ls E Hy.
  assert (Hi : idle W ls = idle_of (sharing W sigma sigma0) W ls).
  { unfold idle, utilisation, idle_of. rewrite H. simpl. ring. }
  split; [assumption|]. unfold system_time, delay_of. rewrite H, <- Hi, service_parts by assumption.
  assert (Ht : thinking W ls = (1 - lambda W * sigma0 * T0 W - idle W ls) / (lambda W * sigma)).
  { unfold idle, utilisation. rewrite H. field. lra. }
  rewrite Ht. simpl. field. lra.
Qed.

Lemma obeys_flat : forall W sigma0, server W = Shares 0 sigma0 -> obeys W (flat W sigma0).
Proof.
  intros W sigma0 H. split; [simpl; lra|]. split; [simpl; lra|]. intros ls E Hy.
  unfold system_time, delay_of, idle, utilisation, idle_of in *. rewrite H in *. simpl.
  rewrite Rmult_0_l, Rplus_0_r in *. split; [reflexivity|]. rewrite <- Rmult_assoc in *. field. lra.
Qed.

(* (t - z y)^2 >= 0; and with a 1 for t *)
Lemma ratio : forall t x y, 2 * x * t * y - x ^ 2 * y ^ 2 <= t ^ 2.
Proof. intros t x y. pose proof (Rle_0_sqr (t - x * y)). unfold Rsqr in *. nra. Qed.

(* prices: z and v, one pair a type, and z0; any numbers *)
Record price := Price { z : R; v : R }.
Definition coupling L W z0 (ps : list price) := weight L * mean (fun _ p => z p ^ 2 + v p ^ 2) W ps + constant L * z0 ^ 2.  (* Z *)

(* e E[T] - nu E[S] + eta rho is at least a constant and a sum over the types; e = 1, nu = eta = 0 gives E[T] *)
Section Parts.
Variables (L : form) (W : workload) (e nu eta z0 Z : R).
Definition load := lambda W * (e * lambda W * Z / 2 + eta).
Definition price_of_time (p : price) := e * lambda W * weight L * z p.
Definition price_of_deviation (p : price) := e * lambda W * weight L * v p.
Definition overhead := e * direct L - nu + load * share0 L.
Definition token := e * direct L - nu + load * share L.
Definition delay_constant := e * (offset L + lambda W * constant L * z0 - lambda W * Z / 2).
Definition delay_fixed k p := (overhead + price_of_time p) * t0 k + price_of_deviation p * s0 k.
Definition delay_slope k p := (token + price_of_time p) * c k + price_of_deviation p * s1 k.
Definition delay_parts k (p : price) l := delay_fixed k p + delay_slope k p * l.
End Parts.

Section Delay.
Variables (W : workload) (L : form).

Lemma squares_below : forall z0 ps ls y, Forall (fun k => 0 < prior k) (types W) -> 0 <= weight L -> 0 <= constant L ->
  length (types W) = length ps -> length (types W) = length ls -> 0 < y ->
  weight L * (2 * total (fun k x => prior k * (z (fst x) * time k (snd x) + v (fst x) * deviation k (snd x))) (types W) (combine ps ls))
    + 2 * constant L * z0 - y * coupling L W z0 ps <= (weight L * square W ls + constant L) / y.
Proof.
  intros z0 ps ls y HT Hw Hc Ep El Hy.
  assert (E : length ps = length ls) by congruence.
  apply (Rmult_le_reg_r y); [assumption|].
  replace ((weight L * square W ls + constant L) / y * y) with (weight L * square W ls + constant L) by (field; lra).
  unfold coupling, square, mean.
  rewrite (total_fst _ _ _ _ ps ls E), (total_snd _ _ _ _ ps ls E). set (xs := combine ps ls).
  set (X := total _ _ xs). set (V := total _ _ xs). set (Q := total _ _ xs).
  assert (HX : (2 * y) * X + (- y ^ 2) * V <= Q).
  { unfold X, V, Q. rewrite total_sum. apply total_le.
    pose proof (all_types _ _ _ xs HT ltac:(unfold xs; rewrite combine_length; lia)) as HTx.
    eapply weaken; [|exact HTx]. intros k [p l] Hp; simpl.
    pose proof (ratio (time k l) (z p) y). pose proof (ratio (deviation k l) (v p) y). nra. }
  pose proof (ratio 1 z0 y). clearbody X V Q.
  assert (weight L * ((2 * y) * X + (- y ^ 2) * V) <= weight L * Q) by (apply Rmult_le_compat_l; assumption).
  assert (constant L * (2 * z0 * 1 * y - z0 ^ 2 * y ^ 2) <= constant L * 1 ^ 2) by (apply Rmult_le_compat_l; assumption).
  nra.
Qed.

Lemma parts_sum : forall e nu eta Z ps ls, length (types W) = length ps -> length (types W) = length ls ->
  mean (fun k x => delay_parts L W e nu eta Z k (fst x) (snd x)) W (combine ps ls) =
  (e * direct L - nu) * service W ls + load W e eta Z * (share0 L * T0 W + share L * thinking W ls)
  + e * lambda W * weight L * total (fun k x => prior k * (z (fst x) * time k (snd x) + v (fst x) * deviation k (snd x))) (types W) (combine ps ls).
Proof.
  intros e nu eta Z ps ls Ep El. assert (E : length ps = length ls) by congruence.
  rewrite service_parts by assumption.
  replace ((e * direct L - nu) * (T0 W + thinking W ls) + load W e eta Z * (share0 L * T0 W + share L * thinking W ls))
    with (overhead L W e nu eta Z * T0 W + token L W e nu eta Z * thinking W ls) by (unfold overhead, token; ring).
  unfold T0. rewrite (total_const _ _ (fun k => prior k * t0 k) _ (types W) ls eq_refl El).
  unfold thinking, mean. rewrite !(total_snd _ _ _ _ ps ls E). set (xs := combine ps ls).
  rewrite total_sum, total_scale, total_plus.
  apply total_eq. intros k [p l]; simpl. unfold delay_parts, delay_fixed, delay_slope, price_of_time, price_of_deviation, time, deviation. ring.
Qed.

Theorem delay_below : forall e nu eta z0 ps ls, Forall (fun k => 0 < prior k) (types W) -> 0 < lambda W -> obeys W L -> 0 <= e ->
  length (types W) = length ps -> length (types W) = length ls -> 0 < idle W ls ->
  delay_constant L W e z0 (coupling L W z0 ps)
    + mean (fun k x => delay_parts L W e nu eta (coupling L W z0 ps) k (fst x) (snd x)) W (combine ps ls)
  <= e * system_time W ls - nu * service W ls + eta * utilisation W ls.
Proof.
  intros e nu eta z0 ps ls HT Hl (Hw & Hc & Ho) He Ep El Hy.
  destruct (Ho ls El Hy) as (Hi & HD). rewrite parts_sum, HD by assumption.
  assert (Hu : utilisation W ls = lambda W * (share0 L * T0 W + share L * thinking W ls)).
  { unfold idle, idle_of in Hi. lra. }
  rewrite Hu. rewrite Hi in Hy. unfold delay_of.
  pose proof (squares_below z0 ps ls _ HT Hw Hc Ep El Hy) as S.
  set (X := total _ _ (combine ps ls)) in *. set (Z := coupling L W z0 ps) in *.
  replace (lambda W * (weight L * square W ls + constant L) / (2 * idle_of L W ls))
    with (lambda W / 2 * ((weight L * square W ls + constant L) / idle_of L W ls)) by (field; lra).
  set (q := (weight L * square W ls + constant L) / idle_of L W ls) in *.
  assert (lambda W / 2 * (weight L * (2 * X) + 2 * constant L * z0 - idle_of L W ls * Z) <= lambda W / 2 * q)
    by (apply Rmult_le_compat_l; lra).
  apply Rle_trans with (e * (offset L + direct L * service W ls + lambda W / 2 * (weight L * (2 * X) + 2 * constant L * z0 - idle_of L W ls * Z))
    - nu * service W ls + eta * (lambda W * (share0 L * T0 W + share L * thinking W ls))).
  - unfold delay_constant, load, idle_of. right. ring_simplify. field.
  - apply Rplus_le_compat_r, Rplus_le_compat_r, Rmult_le_compat_l; [assumption|]. lra.
Qed.
End Delay.
