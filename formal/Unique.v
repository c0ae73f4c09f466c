(* There is one optimum at most: between two allocations lies one that is feasible, meets what both meet, and is better. *)

Require Import Lra Lia Psatz.
From formal Require Export Bound.

Definition mid (ls ms : list R) := map (fun x => (fst x + snd x) / 2) (combine ls ms).

Lemma mid_length : forall ls ms, length ls = length ms -> length (mid ls ms) = length ls.
Proof. intros ls ms E. unfold mid. rewrite map_length, combine_length. lia. Qed.

Lemma mid_affine : forall (f : type -> R -> R) ks ls ms, length ls = length ms -> (forall k x y, f k ((x + y) / 2) = (f k x + f k y) / 2) ->
  total f ks (mid ls ms) = (total f ks ls + total f ks ms) / 2.
Proof.
  intros f ks ls ms E H. revert ls ms E. induction ks; destruct ls, ms; simpl; intros; try discriminate; try lra.
  specialize (IHks ls ms ltac:(lia)). unfold mid in IHks. rewrite H, IHks. lra.
Qed.

Lemma mid_convex : forall (P : type -> Prop) (f : type -> R -> R) ks ls ms, length ls = length ms -> Forall P ks ->
  (forall k x y, P k -> f k ((x + y) / 2) <= (f k x + f k y) / 2) -> total f ks (mid ls ms) <= (total f ks ls + total f ks ms) / 2.
Proof.
  intros P f ks ls ms E HP H. revert ls ms E. induction HP; destruct ls, ms; simpl; intros; try discriminate; try lra.
  specialize (IHHP ls ms ltac:(lia)). unfold mid in IHHP. specialize (H x r r0 H0). lra.
Qed.

Lemma mid_strict : forall (P : type -> Prop) (f : type -> R -> R) ks ls ms, length ks = length ls -> length ls = length ms -> Forall P ks ->
  (forall k x y, P k -> x <> y -> (f k x + f k y) / 2 < f k ((x + y) / 2)) -> ls <> ms ->
  (total f ks ls + total f ks ms) / 2 < total f ks (mid ls ms).
Proof.
  intros P f ks ls ms E' E HP H N. 
  assert (H' : forall k x y, P k -> (f k x + f k y) / 2 <= f k ((x + y) / 2)).
  { intros k x y Hk. destruct (Req_dec x y) as [->|D]; [|left; auto]. replace ((y + y) / 2) with y by lra. lra. }
  assert (W' : forall ks, Forall P ks -> forall ls ms, length ls = length ms -> (total f ks ls + total f ks ms) / 2 <= total f ks (mid ls ms)).
  { induction 1; destruct ls0, ms0; simpl; intros; try discriminate; try lra.
    specialize (IHForall ls0 ms0 ltac:(lia)). unfold mid in IHForall. specialize (H' x r r0 H0). lra. }
  revert ls ms E E' N. induction HP; destruct ls, ms; simpl; intros; try discriminate; try congruence.
  destruct (Req_dec r r0) as [->|D].
  - specialize (IHHP ls ms ltac:(lia) ltac:(lia) ltac:(congruence)). unfold mid in IHHP. specialize (H' x r0 r0 H0). lra.
  - specialize (W' l HP ls ms ltac:(lia)). unfold mid in W'. specialize (H x r r0 H0 D). lra.
Qed.

(* u^2 / y is convex *)
Lemma over_linear : forall p q x y, 0 < x -> 0 < y -> ((p + q) / 2) ^ 2 / ((x + y) / 2) <= (p ^ 2 / x + q ^ 2 / y) / 2.
Proof.
  intros p q x y Hx Hy.
  replace ((p ^ 2 / x + q ^ 2 / y) / 2) with (((p + q) / 2) ^ 2 / ((x + y) / 2) + (p * y - q * x) ^ 2 / (2 * x * y * (x + y))) by (field; lra).
  assert (0 <= (p * y - q * x) ^ 2 / (2 * x * y * (x + y))).
  { unfold Rdiv. apply Rmult_le_pos; [apply pow2_ge_0|]. left. apply Rinv_0_lt_compat.
    apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat; lra | lra]. }
  lra.
Qed.

(* an exponential curve is strictly concave *)
Lemma accuracy_strict : forall k x y, 0 < A k -> 0 < b k -> x <> y -> (accuracy k x + accuracy k y) / 2 < accuracy k ((x + y) / 2).
Proof.
  intros k x y HA Hb N. unfold accuracy.
  set (h := (x + y) / 2). set (d := b k * ((x - y) / 2)).
  replace (- b k * x) with (- b k * h + - d) by (unfold h, d; field). replace (- b k * y) with (- b k * h + d) by (unfold h, d; field).
  rewrite !exp_plus. assert (Hd : d <> 0).
  { unfold d. intro Z. apply Rmult_integral in Z. destruct Z; lra. }
  pose proof (exp_ineq1 d Hd). pose proof (exp_ineq1 (- d) ltac:(lra)). pose proof (exp_pos (- b k * h)) as HE.
  assert (0 < A k * exp (- b k * h)) by (apply Rmult_lt_0_compat; assumption). nra.
Qed.

Section Between.
Variables (W : workload) (L : form) (ls ms : list R).
Hypotheses (HW : proper W) (Ho : obeys W L) (Hl : feasible W ls) (Hm : feasible W ms).

Lemma lengths : length (types W) = length ls /\ length ls = length ms /\ length (types W) = length (mid ls ms).
Proof.
  destruct Hl as (Hls & _), Hm as (Hms & _). pose proof (same_length _ _ _ _ _ Hls). pose proof (same_length _ _ _ _ _ Hms).
  rewrite mid_length; lia.
Qed.

Lemma mid_service : service W (mid ls ms) = (service W ls + service W ms) / 2.
Proof. apply mid_affine; [apply lengths|]. intros. unfold time. field. Qed.

Lemma mid_utilisation : utilisation W (mid ls ms) = (utilisation W ls + utilisation W ms) / 2.
Proof.
  unfold utilisation. destruct (server W).
  - rewrite mid_service. field.
  - unfold thinking, mean. rewrite mid_affine; [field | apply lengths | intros; field].
Qed.

Lemma mid_idle : idle W (mid ls ms) = (idle W ls + idle W ms) / 2.
Proof. unfold idle. rewrite mid_utilisation. field. Qed.

Lemma mid_feasible : feasible W (mid ls ms).
Proof.
  destruct Hl as (Hls & Hy), Hm as (Hms & Hy'). split; [|rewrite mid_idle; lra].
  clear - Hls Hms. revert ms Hms. induction Hls; intros ms Hms; inversion Hms; subst; simpl; constructor; [simpl; lra|].
  apply IHHls. assumption.
Qed.

Lemma mid_system_time : system_time W (mid ls ms) <= (system_time W ls + system_time W ms) / 2.
Proof.
  destruct lengths as (E1 & E2 & E3). destruct Ho as (Hw & Hc & H). pose proof HW as (Hk & Hlam & _).
  destruct (H _ E1 (proj2 Hl)) as (I1 & T1). destruct (H ms ltac:(lia) (proj2 Hm)) as (I2 & T2).
  destruct (H _ E3 (proj2 mid_feasible)) as (I3 & T3). rewrite T1, T2, T3. unfold delay_of. rewrite <- I1, <- I2, <- I3, mid_service.
  pose proof (proj2 Hl) as Y1. pose proof (proj2 Hm) as Y2. rewrite mid_idle.
  set (x := idle W ls) in *. set (y := idle W ms) in *.
  assert (S : square W (mid ls ms) / ((x + y) / 2) <= (square W ls / x + square W ms / y) / 2).
  { unfold square, mean. unfold Rdiv at 1 3 4.
    rewrite !(Rmult_comm _ (/ _)), !total_scale. clearbody x y. clear - E1 E2 Hk Y1 Y2.
    revert ls ms E1 E2. induction Hk as [|k ks (Hp & _) Hk IH]; intros [|l ls'] [|l' ms']; simpl; intros; try discriminate; try lra.
    specialize (IH ls' ms' ltac:(lia) ltac:(lia)). unfold mid in IH.
    pose proof (over_linear (time k l) (time k l') x y Y1 Y2) as O1. pose proof (over_linear (deviation k l) (deviation k l') x y Y1 Y2) as O2.
    replace ((time k l + time k l') / 2) with (time k ((l + l') / 2)) in O1 by (unfold time; field).
    replace ((deviation k l + deviation k l') / 2) with (deviation k ((l + l') / 2)) in O2 by (unfold deviation; field).
    unfold Rdiv at 1 3 4 in O1. unfold Rdiv at 1 3 4 in O2. simpl in *. nra. }
  pose proof (over_linear 1 1 x y Y1 Y2) as C1. replace ((1 + 1) / 2) with 1 in C1 by field.
  assert (K : forall q u, 0 < u -> lambda W * (weight L * q + constant L) / (2 * u) = lambda W / 2 * (weight L * (q / u) + constant L * (1 ^ 2 / u))).
  { intros. field. lra. }
  rewrite !K by lra.
  assert (weight L * (square W (mid ls ms) / ((x + y) / 2)) <= weight L * ((square W ls / x + square W ms / y) / 2)) by (apply Rmult_le_compat_l; assumption).
  assert (constant L * (1 ^ 2 / ((x + y) / 2)) <= constant L * ((1 ^ 2 / x + 1 ^ 2 / y) / 2)) by (apply Rmult_le_compat_l; assumption).
  set (q1 := square W ls / x) in *. set (q2 := square W ms / y) in *. set (q3 := square W (mid ls ms) / ((x + y) / 2)) in *.
  assert (lambda W / 2 * (weight L * q3 + constant L * (1 ^ 2 / ((x + y) / 2))) <=
    lambda W / 2 * (weight L * ((q1 + q2) / 2) + constant L * ((1 ^ 2 / x + 1 ^ 2 / y) / 2))) by (apply Rmult_le_compat_l; lra).
  lra.
Qed.

Lemma mid_accuracy : forall k x y, 0 < A k -> 0 < b k -> (accuracy k x + accuracy k y) / 2 <= accuracy k ((x + y) / 2).
Proof.
  intros k x y HA Hb. destruct (Req_dec x y) as [->|N]; [|left; apply accuracy_strict; assumption].
  replace ((y + y) / 2) with y by field. lra.
Qed.

Lemma mid_kv : forall most, 0 <= most -> kv_tokens W ls <= most -> kv_tokens W ms <= most -> kv_tokens W (mid ls ms) <= most.
Proof.
  intros most M0 H1 H2. destruct lengths as (E1 & E2 & E3). pose proof HW as (Hk & Hlam & _).
  set (f := fun k l => prior k * (m k * t0 k + c k * (m k * l + l ^ 2 / 2))).
  assert (C : total f (types W) (mid ls ms) <= (total f (types W) ls + total f (types W) ms) / 2).
  { apply (mid_convex (fun k => 0 < prior k /\ 0 < c k)); [assumption | | ].
    - eapply Forall_impl; [|exact Hk]. simpl. tauto.
    - intros k x y (Hp & Hc). unfold f. pose proof (Rle_0_sqr (x - y)). unfold Rsqr in *.
      assert (0 < prior k * c k) by (apply Rmult_lt_0_compat; assumption). nra. }
  assert (C' : lambda W * total f (types W) (mid ls ms) <= lambda W * ((total f (types W) ls + total f (types W) ms) / 2))
    by (apply Rmult_le_compat_l; lra).
  pose proof (proj2 mid_feasible) as Y3. pose proof (proj2 Hl) as Y1. pose proof (proj2 Hm) as Y2. pose proof mid_idle as I.
  unfold kv_tokens, mean in H1, H2 |- *. fold f in H1, H2 |- *. destruct (server W).
  - unfold Rdiv in *. rewrite Rinv_1 in *. lra.
  - assert (Q : forall q u, 0 < u -> q / u <= most -> q <= most * u).
    { intros q u U Hq. replace q with (q / u * u) by (field; lra). apply Rmult_le_compat_r; lra. }
    apply (Q _ _ Y1) in H1. apply (Q _ _ Y2) in H2. apply (Rmult_le_reg_r (idle W (mid ls ms))); [assumption|].
    replace (lambda W * total f (types W) (mid ls ms) / idle W (mid ls ms) * idle W (mid ls ms)) with (lambda W * total f (types W) (mid ls ms)) by (field; lra).
    rewrite I. lra.
Qed.

Lemma mid_floors : forall qs, Forall2 (fun k '(q, l) => q <= accuracy k l) (types W) (combine qs ls) ->
  Forall2 (fun k '(q, l) => q <= accuracy k l) (types W) (combine qs ms) ->
  Forall2 (fun k '(q, l) => q <= accuracy k l) (types W) (combine qs (mid ls ms)).
Proof.
  destruct HW as (Hk & _). destruct lengths as (E1 & E2 & _). clear - Hk E1 E2. revert ls ms E1 E2.
  induction Hk as [|k ks (Hp & HA & Hb & _) Hk IH]; intros [|l ls'] [|l' ms'] E1 E2 [|q qs] H1 H2; simpl in *; try discriminate;
    inversion H1; inversion H2; subst; constructor.
  - pose proof (mid_accuracy k l l' HA Hb). cbn [fst snd]. lra.
  - apply IH; auto; lia.
Qed.

Lemma dot_mid : forall xs, dot xs (mid ls ms) = (dot xs ls + dot xs ms) / 2.
Proof.
  destruct lengths as (_ & E & _). clear - E. revert ms E. induction ls as [|l ls' IH]; intros [|l' ms'] E [|x xs]; simpl in *; try discriminate; try lra.
  specialize (IH ms' ltac:(lia) xs). unfold mid in IH. rewrite IH. lra.
Qed.

Lemma mid_meets : forall T, 0 <= match max_kv_tokens T with Some most => most | None => 0 end ->
  meets T W ls -> meets T W ms -> meets T W (mid ls ms).
Proof.
  intros T H0 (A1 & A2 & A3 & A4 & A5 & A6 & A7) (B1 & B2 & B3 & B4 & B5 & B6 & B7). pose proof mid_system_time as ST.
  repeat split; unfold at_most in *.
  - revert A1 B1. destruct (max_system_time T); intros; [lra | exact I].
  - revert A2 B2. destruct (max_wait T); intros; [unfold wait in *; rewrite mid_service; lra | exact I].
  - revert A3 B3. destruct (max_utilisation T); intros; [rewrite mid_utilisation; lra | exact I].
  - revert A4 B4. destruct (max_tokens T); intros; [|exact I]. unfold mean in *. rewrite mid_affine; [lra | apply lengths | intros; field].
  - revert A5 B5 H0. destruct (max_kv_tokens T); intros; [apply mid_kv; assumption | exact I].
  - apply mid_floors; assumption.
  - clear - A7 B7 HW Ho Hl Hm. induction (rows T) as [|[a limit] rs IH]; constructor; inversion A7; inversion B7; subst; auto.
    rewrite dot_mid. lra.
Qed.

Lemma mid_better : forall T, ls <> ms -> (J_of T W ls + J_of T W ms) / 2 < J_of T W (mid ls ms).
Proof.
  intros T N. rewrite !objective_parts. destruct lengths as (E1 & E2 & _). pose proof HW as (Hk & _ & Ha).
  assert (mean accuracy W ls / 2 + mean accuracy W ms / 2 < mean accuracy W (mid ls ms)).
  { unfold mean. apply Rle_lt_trans with ((total (fun k x => prior k * accuracy k x) (types W) ls + total (fun k x => prior k * accuracy k x) (types W) ms) / 2); [lra|].
    apply (mid_strict (fun k => 0 < prior k /\ 0 < A k /\ 0 < b k)); try assumption.
    - eapply Forall_impl; [|exact Hk]. simpl. tauto.
    - intros k x y (Hp & HA & Hb) D. pose proof (accuracy_strict k x y HA Hb D). nra. }
  pose proof mid_system_time. unfold delay_weight, accuracy_weight. destruct (objective T); nra.
Qed.
End Between.

Theorem unique : forall T W L ls ms, proper W -> obeys W L -> 0 <= match max_kv_tokens T with Some most => most | None => 0 end ->
  feasible W ls -> meets T W ls -> feasible W ms -> meets T W ms ->
  (forall xs, feasible W xs -> meets T W xs -> J_of T W xs <= J_of T W ls) ->
  (forall xs, feasible W xs -> meets T W xs -> J_of T W xs <= J_of T W ms) -> ls = ms.
Proof.
  intros T W L ls ms HW Ho H0 Hl Hlt Hm Hmt Bl Bm. destruct (list_eq_dec Req_EM_T ls ms) as [E|N]; [assumption|exfalso].
  pose proof (mid_better W L ls ms HW Ho Hl Hm T N).
  pose proof (Bl _ (mid_feasible W ls ms Hl Hm) (mid_meets W L ls ms HW Ho Hl Hm T H0 Hlt Hmt)).
  pose proof (Bm _ (mid_feasible W ls ms Hl Hm) (mid_meets W L ls ms HW Ho Hl Hm T H0 Hlt Hmt)). lra.
Qed.
