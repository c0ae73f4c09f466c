(* Whole tokens: cells low <= y <= high of the idle share, and in each a bound that is a sum of functions of one type's tokens.
   The identity and the h of cvxtoken/verifier/whole.py; a tangent of (t - z y)^2 takes the place of its distances. *)

Require Export Lia.
Require Import Lra Psatz.
From formal Require Export Instance.

Section Cell.
Variables (W : workload) (L : form) (z0 Z low high nu : R).   (* nu: a multiplier of sum pi t; 0 where share is *)

Definition y1 := 1 - lambda W * (share0 L - share L) * T0 W.
Definition base := offset L + lambda W * constant L * z0 - y1 * (lambda W * Z / 2).
Definition load_price := direct L + share L * lambda W ^ 2 * Z / 2.    (* P *)
(* what nu adds: nu (y1 - y) / (lambda share), at the end w of the cell where it is most *)
Definition adds w x := (nu = 0 /\ x = 0) \/ (0 < share L /\ x = nu * (y1 - w) / (lambda W * share L)).

Definition h y k (p : price) l := prior k * (alpha W * A k * exp (- b k * l)
  + (load_price + lambda W * weight L * z p + nu) * time k l + lambda W * weight L * v p * deviation k l
  + lambda W * weight L / (2 * high) * ((time k l - z p * y) ^ 2 + (deviation k l - v p * y) ^ 2)).

Lemma squares_exact : forall y ps ls, length ps = length ls -> length (types W) = length ps ->
  0 < y -> y <= high -> Forall (fun k => 0 < prior k) (types W) ->
  2 * total (fun k x => prior k * (z (fst x) * time k (snd x) + v (fst x) * deviation k (snd x))) (types W) (combine ps ls)
  - y * mean (fun _ p => z p ^ 2 + v p ^ 2) W ps
  + total (fun k x => prior k * ((time k (snd x) - z (fst x) * y) ^ 2 + (deviation k (snd x) - v (fst x) * y) ^ 2)) (types W) (combine ps ls) / high
  <= square W ls / y.
Proof.
  intros y ps ls E Ep Hy Hh HT. unfold square, mean.
  rewrite (total_fst _ _ _ _ ps ls E), (total_snd _ _ _ _ ps ls E). set (xs := combine ps ls).
  set (X := total _ _ xs). set (V := total _ _ xs). set (D := total _ _ xs). set (Q := total _ _ xs).
  assert (HQ : Q = 1 * (2 * y * X + - y ^ 2 * V) + 1 * D).
  { unfold Q, X, V, D. rewrite !total_sum. apply total_eq. intros k [p l]; simpl. ring. }
  assert (HD : 0 <= D).
  { unfold D. pose proof (all_types _ _ _ xs HT ltac:(unfold xs; rewrite combine_length; lia)) as All. clear - All.
    induction All as [|k x ks xs Hp All IH]; simpl; [lia || lra|].
    set (q := (time k (snd x) - z (fst x) * y) * ((time k (snd x) - z (fst x) * y) * 1)).
    pose proof (pow2_ge_0 (time k (snd x) - z (fst x) * y)). pose proof (pow2_ge_0 (deviation k (snd x) - v (fst x) * y)). unfold q. simpl in *. nra. }
  replace (Q / y) with (2 * X - y * V + D / y) by (rewrite HQ; field; lra).
  apply Rplus_le_compat_l. unfold Rdiv. apply Rmult_le_compat_l; [assumption|]. apply Rinv_le_contravar; assumption.
Qed.

Lemma idle_parts : forall ls, length (types W) = length ls -> idle_of L W ls = y1 - lambda W * share L * service W ls.
Proof. intros ls E. rewrite service_parts by assumption. unfold idle_of, y1. ring. Qed.

Theorem cell_below : forall ps ls w x, proper W -> obeys W L -> feasible W ls -> length (types W) = length ps ->
  Z = coupling L W z0 ps -> low <= idle W ls <= high -> adds w x -> 0 <= nu * (idle W ls - w) ->
  J W ls <= alpha W * mean (fun k _ => A k + D k) W ps - base + x
    - total (fun k x => h (idle W ls) k (fst x) (snd x)) (types W) (combine ps ls).
Proof.
  intros ps ls w x HW Ho Hf Ep HZ Hy Hx Hw. pose proof (proper_priors W HW) as HT. destruct HW as (Hk & Hlam & Ha).
  destruct Hf as (Hls & Hy0). pose proof (same_length _ _ _ _ _ Hls) as El. assert (E : length ps = length ls) by congruence.
  destruct Ho as (Hwt & Hc & Ho). destruct (Ho ls El Hy0) as (Hi & HD).
  pose proof (squares_exact (idle W ls) ps ls E Ep Hy0 (proj2 Hy) HT) as SQ.
  unfold J. rewrite (accuracy_parts _ W ps ls Ep El), HD. unfold delay_of. rewrite <- Hi.
  rewrite (idle_parts ls El) in Hi. set (y := idle W ls) in *.
  set (X := total _ _ (combine ps ls)) in SQ. set (V := mean _ W ps) in SQ. set (DD := total _ _ (combine ps ls)) in SQ.
  set (EX := total _ _ (combine ps ls)) at 1. set (H := total _ _ (combine ps ls)). set (B := mean _ W ps).
  assert (HH : H = 1 * (1 * (alpha W * EX + (load_price + nu) * service W ls) + lambda W * weight L * X) + lambda W * weight L / (2 * high) * DD).
  { unfold H, EX, X, DD, service, mean. rewrite (total_snd _ _ _ _ ps ls E), !total_sum. apply total_eq. intros k [p l]; simpl. unfold h. ring. }
  assert (Hin : 0 < / y) by (apply Rinv_0_lt_compat; assumption).
  pose proof (ratio 1 z0 y) as R0.
  assert (K : 2 * z0 - z0 ^ 2 * y <= / y).
  { apply (Rmult_le_reg_r y); [assumption|]. rewrite Rinv_l by lra. lra. }
  replace (lambda W * (weight L * square W ls + constant L) / (2 * y)) with (lambda W / 2 * (weight L * (square W ls / y) + constant L * / y)) by (field; lra).
  assert (S1 : weight L * (2 * X - y * V + DD / high) <= weight L * (square W ls / y)) by (apply Rmult_le_compat_l; assumption).
  assert (S2 : constant L * (2 * z0 - z0 ^ 2 * y) <= constant L * / y) by (apply Rmult_le_compat_l; assumption).
  set (q := square W ls / y) in *.
  assert (S3 : lambda W / 2 * (weight L * (2 * X - y * V + DD / high) + constant L * (2 * z0 - z0 ^ 2 * y)) <= lambda W / 2 * (weight L * q + constant L * / y))
    by (apply Rmult_le_compat_l; lra).
  assert (HV : Z = weight L * V + constant L * z0 ^ 2) by exact HZ.
  (* what nu adds *)
  assert (HN : nu * service W ls <= x).
  { destruct Hx as [(-> & ->)|(Hs & ->)]; [lra|]. assert (0 < lambda W * share L) by (apply Rmult_lt_0_compat; assumption).
    apply (Rmult_le_reg_r (lambda W * share L)); [assumption|].
    replace (nu * (y1 - w) / (lambda W * share L) * (lambda W * share L)) with (nu * (y1 - w)) by (field; split; lra).
    replace (nu * service W ls * (lambda W * share L)) with (nu * (y1 - y)) by (rewrite Hi; ring). nra. }
  rewrite HH. unfold base, load_price.
  assert (HI : y1 = y + lambda W * share L * service W ls) by lra.
  replace (lambda W * weight L / (2 * high) * DD) with (lambda W / 2 * weight L * (DD / high)) by (field; lra).
  set (dh := DD / high) in *. rewrite HI, HV. clear - S3 HN. nra.
Qed.

(* from p on to the right (or to the left) no h is below its value at p; e and w make the tangents there *)
Definition h_at k (q : price) e w e' w' p := prior k * (alpha W * A k * exp (- b k * p)
  + (load_price + lambda W * weight L * z q + nu) * time k p + lambda W * weight L * v q * deviation k p
  + lambda W * weight L / (2 * high) * (2 * e * (time k p - z q * w) - e ^ 2 + (2 * e' * (deviation k p - v q * w') - e' ^ 2))).
Definition h_slope k (q : price) e e' p := (load_price + lambda W * weight L * z q + nu) * c k + lambda W * weight L * v q * s1 k
  + lambda W * weight L / high * (e * c k + e' * s1 k) - alpha W * A k * b k * exp (- b k * p).

Lemma h_tangent : forall y k q e w e' w' p l, 0 < prior k -> 0 < alpha W * A k -> 0 <= lambda W * weight L -> 0 < high -> 0 <= z q -> 0 <= v q ->
  e * (y - w) <= 0 -> e' * (y - w') <= 0 ->
  h_at k q e w e' w' p + prior k * h_slope k q e e' p * (l - p) <= h y k q l.
Proof.
  intros y k q e w e' w' p l Hp HA Hw Hh Hz Hv He He'.
  pose proof (tangent (alpha W * A k) (b k) l p ltac:(lra)) as T.
  assert (Q1 : 2 * e * (time k l - z q * w) - e ^ 2 <= (time k l - z q * y) ^ 2).
  { pose proof (pow2_ge_0 (time k l - z q * y - e)). assert (z q * (e * (y - w)) <= 0) by nra. nra. }
  assert (Q2 : 2 * e' * (deviation k l - v q * w') - e' ^ 2 <= (deviation k l - v q * y) ^ 2).
  { pose proof (pow2_ge_0 (deviation k l - v q * y - e')). assert (v q * (e' * (y - w')) <= 0) by nra. nra. }
  assert (0 <= lambda W * weight L / (2 * high)).
  { unfold Rdiv. apply Rmult_le_pos; [assumption|]. left. apply Rinv_0_lt_compat. lra. }
  set (ww := lambda W * weight L / (2 * high)) in *.
  unfold h_at, h_slope, h. fold ww. replace (lambda W * weight L / high) with (2 * ww) by (unfold ww; field; lra).
  assert (Q3 : ww * (2 * e * (time k l - z q * w) - e ^ 2 + (2 * e' * (deviation k l - v q * w') - e' ^ 2))
    <= ww * ((time k l - z q * y) ^ 2 + (deviation k l - v q * y) ^ 2)) by (apply Rmult_le_compat_l; lra).
  apply Rle_trans with (prior k * (alpha W * A k * exp (- b k * p) * (1 + b k * p - b k * l)
    + (load_price + lambda W * weight L * z q + nu) * time k l + lambda W * weight L * v q * deviation k l
    + ww * (2 * e * (time k l - z q * w) - e ^ 2 + (2 * e' * (deviation k l - v q * w') - e' ^ 2)))).
  - right. unfold time, deviation. ring.
  - apply Rmult_le_compat_l; lra.
Qed.

Definition ends e w := (0 <= e /\ w = high) \/ (e <= 0 /\ w = low).
Lemma ends_sign : forall e w y, ends e w -> low <= y <= high -> e * (y - w) <= 0.
Proof. intros e w y [(H & ->)|(H & ->)] Hy; nra. Qed.
End Cell.

(* a point where h is at least x, and whether it rises from there on to the right, or to the left *)
Record mark := Mark { m_e : R; m_w : R; m_e' : R; m_w' : R; m_p : Z; m_x : R }.
Definition mark_holds (right : bool) W L Z low high nu k q t :=
  ends low high (m_e t) (m_w t) /\ ends low high (m_e' t) (m_w' t) /\
  (if right then 0 <= h_slope W L Z high nu k q (m_e t) (m_e' t) (IZR (m_p t)) else h_slope W L Z high nu k q (m_e t) (m_e' t) (IZR (m_p t)) <= 0) /\
  m_x t <= h_at W L Z high nu k q (m_e t) (m_w t) (m_e' t) (m_w' t) (IZR (m_p t)).

Lemma mark_below : forall right W L Z low high nu k q t y n, mark_holds right W L Z low high nu k q t ->
  0 < prior k -> 0 < alpha W * A k -> 0 <= lambda W * weight L -> 0 < high -> 0 <= z q -> 0 <= v q -> low <= y <= high ->
  (if right then (m_p t <= n)%Z else (n <= m_p t)%Z) -> m_x t <= h W L Z high nu y k q (IZR n).
Proof.
  intros right W L Z low high nu k q t y n (E & E' & S & X) Hp HA Hw Hh Hz Hv Hy Hn.
  pose proof (h_tangent W L Z high nu y k q (m_e t) (m_w t) (m_e' t) (m_w' t) (IZR (m_p t)) (IZR n) Hp HA Hw Hh Hz Hv
    (ends_sign low high _ _ y E Hy) (ends_sign low high _ _ y E' Hy)) as T.
  apply Rle_trans with (1 := X). apply Rle_trans with (2 := T).
  destruct right; apply IZR_le in Hn; assert (0 <= prior k * (h_slope W L Z high nu k q (m_e t) (m_e' t) (IZR (m_p t)) * (IZR n - IZR (m_p t)))) by (apply Rmult_le_pos; [lra | nra]); lra.
Qed.

(* no allocation of the cell is better, where numbers below the h add up to enough *)
Theorem ruled_out : forall W L z0 low high nu w x ps ls xs most, proper W -> obeys W L -> feasible W ls -> length (types W) = length ps ->
  low <= idle W ls <= high -> adds W L nu w x -> 0 <= nu * (low - w) -> 0 <= nu * (high - w) ->
  Forall2 (fun kpl below => below <= h W L (coupling L W z0 ps) high nu (idle W ls) (fst kpl) (fst (snd kpl)) (snd (snd kpl)))
    (combine (types W) (combine ps ls)) xs ->
  alpha W * mean (fun k _ => A k + D k) W ps - base W L z0 (coupling L W z0 ps) + x - fold_right Rplus 0 xs <= most ->
  J W ls <= most.
Proof.
  intros W L z0 low high nu w x ps ls xs most HW Ho Hf Ep Hy Hx H1 H2 Hxs Hm. apply Rle_trans with (2 := Hm).
  assert (Hw : 0 <= nu * (idle W ls - w)) by (destruct (Rle_or_lt 0 nu); nra).
  apply Rle_trans with (1 := cell_below W L z0 _ low high nu ps ls w x HW Ho Hf Ep eq_refl Hy Hx Hw).
  apply Rplus_le_compat_l, Ropp_le_contravar. apply total_from. exact Hxs.
Qed.

Lemma idle_below_1 : forall W L ls, proper W -> obeys W L -> 0 <= share0 L -> 0 <= share L -> feasible W ls -> 0 <= idle W ls <= 1.
Proof.
  intros W L ls HW (_ & _ & Ho) H0 H1 (Hls & Hy). pose proof (same_length _ _ _ _ _ Hls) as El. destruct (Ho ls El Hy) as (Hi & _).
  destruct HW as (Hk & Hl & _). split; [lra|]. rewrite Hi. unfold idle_of.
  assert (0 <= T0 W).
  { unfold T0. clear - Hk. generalize (types W) at 2. induction Hk as [|k ks (Hp & _ & _ & _ & Ht & _) Hk IH]; intros [|k' ks']; simpl; try lra.
    specialize (IH ks'). assert (0 <= prior k * t0 k) by (apply Rmult_le_pos; lra). lra. }
  assert (0 <= thinking W ls).
  { unfold thinking, mean. clear - Hk Hls. induction Hls as [|k l ks ls Hl Hls IH]; simpl; [lra|]. inversion Hk; subst.
    destruct H1 as (Hp & _ & _ & _ & _ & Hc). specialize (IH H2). assert (0 <= prior k * (c k * l)) by (apply Rmult_le_pos; [lra | apply Rmult_le_pos; lra]). lra. }
  assert (0 <= lambda W * (share0 L * T0 W + share L * thinking W ls)).
  { apply Rmult_le_pos; [lra|]. apply Rplus_le_le_0_compat; apply Rmult_le_pos; assumption. }
  lra.
Qed.

Lemma head_of : forall X Y (P : X -> Y -> Prop) k ks x xs, Forall2 P (k :: ks) (x :: xs) -> P k x /\ Forall2 P ks xs.
Proof. intros X Y P k ks x xs H. inversion H. auto. Qed.
